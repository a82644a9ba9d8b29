import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { type Client, connect, next, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** Machines that move, and those that do not after all. */
export const migration: readonly Check[] = [
  {
    name: 'parameters and capabilities, 64 bits of them',
    run: withClient(async (client) => {
      const limit = 2n ** 53n - 1n;
      await client.execute('migrate-set-parameters', { 'max-bandwidth': limit, 'downtime-limit': 250n });
      const parameters = await client.execute('query-migrate-parameters');
      assert.equal(parameters['max-bandwidth'], limit);
      assert.equal(parameters['downtime-limit'], 250n);
      await client.execute('migrate-set-capabilities', {
        capabilities: [{ capability: 'events', state: true }],
      });
      const capabilities = await client.execute('query-migrate-capabilities');
      assert.equal(capabilities.find(({ capability }) => capability === 'events')?.state, true);
      await refused(client.execute('migrate-continue', { state: 'pre-switchover' }), /Migration|migration/);
    }),
  },
  {
    name: 'from one machine to another, told by both',
    run: async (stage) => {
      const [source, target] = await Promise.all([stage.start(['-S']), stage.start(['-incoming', 'defer'])]);
      const [here, there] = await Promise.all([connect(stage, source), connect(stage, target)]);
      for (const client of [here, there]) {
        await client.execute('migrate-set-capabilities', {
          capabilities: [{ capability: 'events', state: true }],
        });
      }
      await here.execute('migrate-set-capabilities', {
        capabilities: [{ capability: 'pause-before-switchover', state: true }],
      });
      const uri = `unix:${join(stage.folder, 'moving')}`;
      await there.execute('migrate-incoming', { uri });
      await here.execute('cont');
      const completed = [status(here, 'completed'), status(there, 'completed')];
      const told = [next(here, 'STOP'), next(there, 'RESUME'), next(here, 'MIGRATION_PASS')] as const;
      const paused = status(here, 'pre-switchover');
      await here.execute('migrate', { uri });
      await paused;
      await here.execute('migrate-continue', { state: 'pre-switchover' });
      const [, , pass] = await Promise.all(told);
      assert.equal(typeof pass.pass, 'bigint');
      await Promise.all(completed);
      const { ram, status: outcome } = await here.execute('query-migrate');
      assert.equal(outcome, 'completed');
      assert(ram !== undefined && ram.transferred > 0n);
      // The event comes a moment before the run state.
      while ((await here.execute('query-status')).status === 'finish-migrate') await setImmediate();
      assert.equal((await here.execute('query-status')).status, 'postmigrate');
      assert.equal((await there.execute('query-status')).status, 'running');
      await Promise.all([here.close(), there.close()]);
    },
  },
  {
    name: 'a migration that is cancelled, and one whose connection is yanked',
    run: async (stage) => {
      const path = join(stage.folder, 'silent');
      // Our machine waits until the other side has answered.
      const started = stage.isQemu ? 'active' : 'setup';
      const listener = createServer((socket) => socket.pause()).listen(path);
      const client = await connect(stage, await stage.start(['-S']));
      try {
        await client.execute('migrate-set-capabilities', {
          capabilities: [{ capability: 'events', state: true }],
        });
        await client.execute('migrate-set-parameters', { 'max-bandwidth': 4096n });
        const cancelled = status(client, 'cancelled');
        const begun = status(client, started);
        await client.execute('migrate', { uri: `unix:${path}` });
        await begun;
        await client.execute('migrate_cancel');
        await cancelled;
        const again = status(client, started);
        const failed = status(client, 'failed');
        await client.execute('migrate', { uri: `unix:${path}` });
        await again;
        await client.executeOob('yank', { instances: [{ type: 'migration' }] });
        await failed;
      } finally {
        await client.close();
        listener.close();
      }
    },
  },
];

function status(client: Client, wanted: string) {
  return next(client, 'MIGRATION', ({ status: now }) => now === wanted);
}
