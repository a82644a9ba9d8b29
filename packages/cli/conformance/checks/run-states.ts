import assert from 'node:assert/strict';
import { connect, next, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** What stops, continues and ends a machine, with the events that tell. */
export const runStates: readonly Check[] = [
  {
    name: 'cont and stop',
    run: withClient(async (client, stage) => {
      const other = await connect(stage, stage.server, { monitor: 1 });
      const resumed = Promise.all([client.once('RESUME'), other.once('RESUME')]);
      await other.execute('cont');
      const [first, second] = await resumed;
      assert.deepEqual(first.timestamp, second.timestamp);
      assert.equal((await client.execute('query-status')).running, true);
      const stopped = next(client, 'STOP');
      await client.execute('stop');
      await stopped;
      await other.close();
    }),
  },
  {
    name: 'a reset and the power button',
    run: withClient(async (client) => {
      const reset = next(client, 'RESET');
      await client.execute('system_reset');
      assert.deepEqual({ ...(await reset) }, { guest: false, reason: 'host-qmp-system-reset' });
      const pressed = next(client, 'POWERDOWN');
      await client.execute('cont');
      await client.execute('system_powerdown');
      await pressed;
      await client.execute('stop');
    }),
  },
  {
    name: 'the end, after a machine of the phase before the machine',
    run: async (stage) => {
      const server = await stage.start(['--preconfig']);
      const client = await connect(stage, server);
      assert.equal((await client.execute('query-status')).status, 'prelaunch');
      await refused(
        client.execute('stop'),
        /The command 'stop' is permitted only after machine initialization has completed/,
      );
      const resumed = next(client, 'RESUME');
      await client.execute('x-exit-preconfig');
      await resumed;
      await client.execute('set-action', { reboot: 'shutdown', shutdown: 'poweroff' });
      const shutdown = next(client, 'SHUTDOWN');
      await client.execute('quit');
      assert.deepEqual({ ...(await shutdown) }, { guest: false, reason: 'host-qmp-quit' });
      await server.exited;
      await client.closed;
      assert.equal(client.state, 'closed');
    },
  },
  {
    name: 'a reset that is to end the machine does',
    run: async (stage) => {
      const server = await stage.start(['-S', '-no-shutdown']);
      const client = await connect(stage, server);
      await client.execute('set-action', { reboot: 'shutdown', shutdown: 'poweroff' });
      const shutdown = next(client, 'SHUTDOWN');
      await client.execute('system_reset');
      assert.equal((await shutdown).reason, 'host-qmp-system-reset');
      await server.exited;
      await client.close();
    },
  },
  {
    name: 'the guest sets its clock',
    // The ports of the clock are written as the guest would, by the human monitor.
    needs: ({ isQemu }) => isQemu,
    run: withClient(async (client) => {
      const changed = next(client, 'RTC_CHANGE');
      for (const command of ['o /b 0x70 0x04', 'o /b 0x71 0x05']) {
        assert.equal(await client.execute('human-monitor-command', { 'command-line': command }), '');
      }
      const { offset, 'qom-path': path } = await changed;
      assert(offset !== 0n);
      assert.match(path, /^\/machine\//);
    }),
  },
];
