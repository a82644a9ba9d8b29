import assert from 'node:assert/strict';
import { refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** Character devices, and the human monitor. */
export const chardevs: readonly Check[] = [
  {
    name: 'a ring buffer is made, written, read, changed and removed',
    run: withClient(async (client) => {
      await client.execute('chardev-add', {
        id: 'ring',
        backend: { type: 'ringbuf', data: { size: 64n } },
      });
      await client.execute('ringbuf-write', { device: 'ring', data: 'bytes' });
      assert.equal(await client.execute('ringbuf-read', { device: 'ring', size: 64n }), 'bytes');
      await client.execute('chardev-send-break', { id: 'ring' });
      const rings = (await client.execute('query-chardev')).filter(({ label }) => label === 'ring');
      assert.deepEqual(
        rings.map(({ filename }) => filename),
        ['ringbuf'],
      );
      await client.execute('chardev-change', { id: 'ring', backend: { type: 'null', data: {} } });
      await client.execute('chardev-remove', { id: 'ring' });
      await refused(client.execute('ringbuf-read', { device: 'ring', size: 1n }), /Device 'ring' not found/);
      const backends = await client.execute('query-chardev-backends');
      assert(backends.some(({ name }) => name === 'ringbuf'));
    }),
  },
  {
    name: 'a pseudo terminal says where it is',
    run: withClient(async (client) => {
      const { pty } = await client.execute('chardev-add', { id: 'term', backend: { type: 'pty', data: {} } });
      assert.match(pty ?? '', /^\/dev\/pts\//);
      await client.execute('chardev-remove', { id: 'term' });
    }),
  },
  {
    name: 'the human monitor answers',
    run: withClient(async (client) => {
      const status = await client.execute('human-monitor-command', { 'command-line': 'info status' });
      assert.match(status, /^VM status: paused/);
      await refused(
        client.execute('human-monitor-command', { 'command-line': 'info status', 'cpu-index': 99n }),
        /Parameter 'cpu-index' expects a CPU number/,
      );
    }),
  },
];
