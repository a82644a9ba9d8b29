import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { refused, withClient } from './client.js';
import type { Check, Server } from './stage.js';

const openHere = () => readdirSync('/proc/self/fd').length;
const openThere = ({ pid }: Server) => readdirSync(`/proc/${pid}/fd`).length;

/** Descriptors that go with commands: who has them afterwards, and that nobody leaks one. */
export const descriptors: readonly Check[] = [
  {
    name: 'named descriptors, lent and handed over, many on their way',
    run: withClient(async (client, { server }) => {
      const before = [openHere(), openThere(server)];
      const file = openSync('/dev/null', 'r');
      const names = Array.from({ length: 10 }, (_, index) => `fd${index}`);
      await Promise.all(names.map((fdname) => client.execute('getfd', { fdname }, { fds: [file] })));
      closeSync(file);
      assert.equal(openThere(server), before[1]! + names.length);
      const handed = openSync('/dev/null', 'r');
      await client.execute('getfd', { fdname: 'fd0' }, { fds: [{ fd: handed, handOver: true }] });
      assert.equal(openThere(server), before[1]! + names.length);
      await Promise.all(names.map((fdname) => client.execute('closefd', { fdname })));
      await refused(client.execute('closefd', { fdname: 'fd0' }), /File descriptor named 'fd0' not found/);
      await refused(client.execute('getfd', { fdname: 'x' }), /No file descriptor supplied via SCM_RIGHTS/);
      assert.deepEqual([openHere(), openThere(server)], before);
    }),
  },
  {
    name: 'sets of descriptors',
    run: withClient(async (client, { server }) => {
      const before = [openHere(), openThere(server)];
      // QEMU 7.2 closes what is removed while the machine runs.
      await client.execute('cont');
      const file = openSync('/dev/null', 'r');
      const first = await client.execute('add-fd', { opaque: 'one' }, { fds: [file] });
      const id: bigint = first['fdset-id'];
      const second = await client.execute('add-fd', { 'fdset-id': id, opaque: 'two' }, { fds: [file] });
      const [set] = await client.execute('query-fdsets');
      assert.equal(set?.['fdset-id'], id);
      const entries = set?.fds.map(({ fd, opaque }) => [fd, opaque]);
      assert.deepEqual(entries, [
        [first.fd, 'one'],
        [second.fd, 'two'],
      ]);
      await client.execute('remove-fd', { 'fdset-id': id, fd: first.fd });
      await client.execute('remove-fd', { 'fdset-id': id });
      await refused(client.execute('remove-fd', { 'fdset-id': id }), /File descriptor named .* not found/);
      closeSync(file);
      assert.deepEqual(await client.execute('query-fdsets'), []);
      await client.execute('stop');
      assert.deepEqual([openHere(), openThere(server)], before);
    }),
  },
  {
    name: 'several with one command, and with a command that wants none',
    run: withClient(async (client, { server }) => {
      const before = [openHere(), openThere(server)];
      const file = openSync('/dev/null', 'r');
      await client.execute('getfd', { fdname: 'first' }, { fds: [file, file, file] });
      await client.execute('query-name', undefined, { fds: [file, file] });
      await client.execute('closefd', { fdname: 'first' });
      // What nobody took is closed when more come, at the latest.
      await client.execute('getfd', { fdname: 'last' }, { fds: [file] });
      await client.execute('closefd', { fdname: 'last' });
      closeSync(file);
      assert.deepEqual([openHere(), openThere(server)], before);
    }),
  },
];
