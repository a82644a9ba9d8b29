import assert from 'node:assert/strict';
import { type QmpClient, QmpDisconnectedError, type QmpGap } from '@godwit/qmp';
import { connect, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** What becomes of events and commands when the reader is slow, or the connection breaks. */
export const connections: readonly Check[] = [
  {
    name: 'errors carry class, command and arguments',
    run: withClient(async (client) => {
      const reply = client.execute('device_del', { id: 'nothing' });
      await refused(reply, /Device 'nothing' not found/, 'DeviceNotFound');
      await assert.rejects(reply, { command: 'device_del', arguments: { id: 'nothing' } });
    }),
  },
  {
    name: 'events among pipelined commands, none lost and no reply shifted',
    run: withClient(async (client) => {
      const rounds = 50;
      const stream = client.events();
      const replies = Array.from({ length: rounds }, () =>
        Promise.all([client.execute('cont'), client.execute('query-status'), client.execute('stop')]),
      );
      for (const [, { running }] of await Promise.all(replies)) assert.equal(running, true);
      const names: string[] = [];
      for await (const item of stream) {
        assert(item.type === 'event');
        // A firmware that finds nothing to boot resets now and then.
        if (item.name !== 'RESET') names.push(item.name);
        if (names.length === rounds * 2) break;
      }
      assert.deepEqual(names, Array.from({ length: rounds }, () => ['RESUME', 'STOP']).flat());
      assert.equal(stream.dropped, 0);
    }),
  },
  {
    name: 'a reader that is too slow is told how many events it has missed',
    run: withClient(async (client) => {
      const stream = client.events(4);
      for (let round = 0; round < 10; round++) {
        await client.execute('cont');
        await client.execute('stop');
      }
      assert(stream.dropped >= 16);
      const { value: first } = await stream.next();
      assert(first.type === 'dropped');
      assert.equal(first.count, stream.dropped);
      const { value: kept } = await stream.next();
      assert(kept.type === 'event');
    }),
  },
  {
    name: 'an event comes through whether the types have it or not',
    needs: ({ isQemu }) => isQemu,
    run: async (stage) => {
      const client = await connect(stage, await stage.start(['-S', '-device', 'pvpanic']));
      const stream = client.events();
      await client.execute('cont');
      await client.execute('human-monitor-command', { 'command-line': 'o /b 0x505 1' });
      for await (const item of stream) {
        const name: string = item.type === 'event' ? item.name : item.type;
        if (name !== 'GUEST_PANICKED') continue;
        assert(item.type === 'event' && item.mismatch === undefined);
        assert.equal(typeof (item.data as { action?: unknown }).action, 'string');
        break;
      }
      await client.close();
    },
  },
  {
    name: 'a server that is killed and started again: a gap is told, with what is the case now',
    run: async (stage) => {
      const first = await stage.start(['-S']);
      const client = await connect(stage, first, { reconnect: true });
      const stream = client.events();
      const lost = assert.rejects(repeat(client), (error: QmpDisconnectedError) => {
        assert(error instanceof QmpDisconnectedError, String(error));
        return true;
      });
      await first.kill();
      await lost;
      const again = await stage.start(['-S'], first);
      const { value: gap } = (await stream.next()) as IteratorYieldResult<QmpGap>;
      assert.equal(gap.type, 'gap');
      assert(gap.regainedAt > gap.lostAt);
      assert.deepEqual(Object.keys(gap.snapshot), ['query-status', 'query-migrate']);
      assert.equal((gap.snapshot['query-status'] as { status: string }).status, 'prelaunch');
      const resumed = client.once('RESUME');
      await client.execute('cont');
      await resumed;
      await client.close();
      await again.kill();
    },
  },
];

/** Asks until it fails. */
async function repeat(client: Pick<QmpClient, 'execute'>): Promise<void> {
  for (;;) await client.execute('query-name');
}
