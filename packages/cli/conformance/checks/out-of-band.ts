import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QmpTimeoutError } from '@godwit/qmp';
import { type Client, refused, withClient } from './client.js';
import type { Check, Stage } from './stage.js';

/** Commands that overtake, and those that nobody waits for any longer. */
export const outOfBand: readonly Check[] = [
  {
    name: 'every command that may overtake is executed out of band',
    run: withClient(async (client) => {
      assert(client.oobEnabled);
      assert((await client.executeOob('query-yank')).length > 0);
      await client.executeOob('yank', { instances: [] });
      await refused(client.executeOob('migrate-pause'), /migrate-pause/);
      await refused(client.executeOob('migrate-recover', { uri: 'tcp:127.0.0.1:0' }), /recover/i);
    }),
  },
  {
    name: 'one overtakes a command that is stuck',
    needs: ({ isQemu }) => isQemu,
    run: withClient(async (client, stage) => {
      const order: string[] = [];
      const stuck = await blocked(client, stage);
      const waiting = client.execute('query-name').then(() => order.push('in-band'));
      await client.executeOob('query-yank');
      order.push('out-of-band');
      await stuck.release();
      await waiting;
      assert.deepEqual(order, ['out-of-band', 'in-band']);
    }),
  },
  {
    name: 'a timeout and a signal give up a command that is stuck, and the connection stays whole',
    needs: ({ isQemu }) => isQemu,
    run: withClient(async (client, stage) => {
      const stuck = await blocked(client, stage);
      const controller = new AbortController();
      const aborted = client.execute('query-uuid', undefined, { signal: controller.signal });
      await assert.rejects(client.execute('query-name', undefined, { timeoutMs: 1 }), (error: Error) => {
        assert(error instanceof QmpTimeoutError);
        assert.equal(error.command, 'query-name');
        return true;
      });
      controller.abort(new Error('changed my mind'));
      await assert.rejects(aborted, /changed my mind/);
      await stuck.release();
      assert.equal((await client.execute('query-status')).running, false);
    }),
  },
];

/** A command that QEMU executes until it is released: it opens a FIFO that nobody writes to. */
async function blocked(client: Client, { folder }: Stage) {
  const fifo = join(folder, 'fifo');
  const { status } = spawnSync('mkfifo', [fifo]);
  assert.equal(status, 0);
  const reply = client.execute('object-add', { 'qom-type': 'secret', id: 'stuck', file: fifo });
  return {
    release: async () => {
      await writeFile(fifo, 'the secret');
      await reply;
      await client.execute('object-del', { id: 'stuck' });
    },
  };
}
