import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** The console without a viewer: keys that a program presses, pictures, and memory in files. */
export const lookingIn: readonly Check[] = [
  {
    name: 'keys, by name and by number',
    run: withClient(async (client) => {
      const [ctrl, l] = [{ type: 'qcode', data: 'ctrl' } as const, { type: 'number', data: 0x26n } as const];
      await client.execute('send-key', { keys: [ctrl, l], 'hold-time': 1n });
      const press = (down: boolean) => ({ type: 'key', data: { key: ctrl, down } }) as const;
      const events = [press(true), press(false)];
      await refused(client.execute('input-send-event', { events }), /VM not running/);
      await client.execute('cont');
      await client.execute('input-send-event', { events });
      const nowhere = { device: 'nowhere', events: [press(true)] };
      await refused(client.execute('input-send-event', nowhere), /nowhere/, 'DeviceNotFound');
      await client.execute('stop');
    }),
  },
  {
    name: 'a picture goes to a descriptor',
    run: async (stage) => {
      const display = stage.isQemu ? ['-device', 'VGA,romfile='] : [];
      const client = await connect(stage, await stage.start(['-S', ...display]));
      const path = join(stage.folder, 'picture');
      const fd = openSync(path, 'w');
      await client.execute('add-fd', { 'fdset-id': 5n }, { fds: [fd] });
      closeSync(fd);
      await client.execute('screendump', { filename: '/dev/fdset/5' });
      const [, width, height] = /^P6\n(\d+) (\d+)\n255\n/.exec(readFileSync(path, 'latin1')) ?? [];
      const header = `P6\n${width} ${height}\n255\n`;
      assert.equal(readFileSync(path).length, header.length + Number(width) * Number(height) * 3);
      await client.close();
    },
  },
  {
    name: 'memory goes to files',
    run: withClient(async (client, { folder }) => {
      const [seen, physical] = [join(folder, 'seen'), join(folder, 'physical')];
      await client.execute('memsave', { val: 0x1000n, size: 4096n, filename: seen, 'cpu-index': 0n });
      await client.execute('pmemsave', { val: 0x1000n, size: 4096n, filename: physical });
      assert.equal(readFileSync(physical).length, 4096);
      assert.deepEqual(readFileSync(seen), readFileSync(physical));
      const nowhere = join(folder, 'none', 'file');
      await refused(
        client.execute('pmemsave', { val: 0n, size: 1n, filename: nowhere }),
        /No such file or directory/,
      );
    }),
  },
];
