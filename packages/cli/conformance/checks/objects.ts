import assert from 'node:assert/strict';
import type { JsonObject } from '@godwit/json';
import { QmpClient } from '@godwit/qmp';
import { next, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** Beyond what a double holds. */
const exact = 2n ** 53n + 1n;

/** The object tree, and devices that come and go. */
export const objects: readonly Check[] = [
  {
    name: '64-bit integers are what they were',
    run: withClient(async (client) => {
      await client.execute('object-add', { 'qom-type': 'iothread', id: 'io0', 'poll-max-ns': exact });
      const [iothread] = await client.execute('query-iothreads');
      assert(iothread !== undefined);
      assert.equal(iothread['poll-max-ns'], exact);
      assert(iothread['thread-id'] > 0n);
      await client.execute('qom-set', { path: '/objects/io0', property: 'poll-max-ns', value: exact + 2n });
      const value = await client.execute('qom-get', { path: '/objects/io0', property: 'poll-max-ns' });
      assert.equal(value, exact + 2n);
      await client.execute('object-del', { id: 'io0' });
      await client.execute('query-name', undefined, { id: 2n ** 64n - 1n });
    }),
  },
  {
    name: 'the object tree',
    run: withClient(async (client) => {
      const properties = await client.execute('qom-list', { path: '/' });
      assert(properties.some(({ name, type }) => name === 'machine' && type.startsWith('child<')));
      const settable = await client.execute('qom-list-properties', { typename: 'iothread' });
      assert(settable.some(({ name }) => name === 'poll-max-ns'));
      await refused(client.execute('qom-list', { path: '/nowhere' }), /not found/, 'DeviceNotFound');
      await refused(client.execute('object-del', { id: 'nothing' }), /object 'nothing' not found/);
    }),
  },
  {
    name: 'types of objects',
    // QEMU loads all its modules for that, and ends when it finds those of another QEMU.
    needs: ({ unpacked }) => !unpacked,
    run: withClient(async (client) => {
      const types = await client.execute('qom-list-types', { implements: 'user-creatable', abstract: false });
      assert(types.some(({ name, parent }) => name === 'iothread' && parent === 'event-loop-base'));
    }),
  },
  {
    name: 'a command that the types do not have, by a client without types',
    run: async ({ server, seen }) => {
      const client = await QmpClient.connect(`unix:${server.monitors[0]}`);
      const commands = (await client.execute('query-commands')) as JsonObject[];
      if (commands.some(({ name }) => name === 'qom-list-get')) {
        const [machine] = (await client.execute('qom-list-get', { paths: ['/machine'] })) as JsonObject[];
        const properties = machine!.properties as JsonObject[];
        assert(properties.some(({ name, value }) => name === 'type' && typeof value === 'string'));
        seen.commands.add('qom-list-get');
      } else {
        const reply = client.execute('qom-list-get', { paths: ['/machine'] });
        await refused(reply, /The command qom-list-get has not been found/, 'CommandNotFound');
      }
      await client.close();
    },
  },
  {
    name: 'a device comes and goes, and an event tells',
    run: withClient(async (client, { isQemu }) => {
      const device = isQemu
        ? { driver: 'usb-tablet', id: 'hot', bus: 'usb.0' }
        : { driver: 'vfio-model', id: 'hot', model: 'nic' };
      const properties = await client.execute('device-list-properties', { typename: device.driver });
      assert(properties.length > 0);
      await client.execute('device_add', device);
      const deleted = next(client, 'DEVICE_DELETED', ({ device: id }) => id === 'hot');
      await client.execute('device_del', { id: 'hot' });
      assert.equal((await deleted).path, '/machine/peripheral/hot');
      await refused(client.execute('device_del', { id: 'hot' }), /Device 'hot' not found/, 'DeviceNotFound');
    }),
  },
];
