import assert from 'node:assert/strict';
import { OutputMismatch } from '@godwit/qapi/runtime';
import { QmpReplyError } from '@godwit/qmp';
import { withClient } from './client.js';
import type { Check } from './stage.js';

/** What a server says of itself. */
export const queries: readonly Check[] = [
  {
    name: 'what the server is',
    run: withClient(async (client, { version }) => {
      const { qemu, package: name } = await client.execute('query-version');
      assert.equal(qemu.major, BigInt(version));
      assert.equal(typeof name, 'string');
      const commands = await client.execute('query-commands');
      assert(commands.some((command) => command.name === 'query-commands'));
      const target = await client.execute('query-target');
      assert.equal(target.arch, 'x86_64');
      const current = await client.execute('query-current-machine');
      assert.equal(typeof current['wakeup-suspend-support'], 'boolean');
      const options = await client.execute('query-command-line-options', { option: 'name' });
      const [first] = options;
      assert.equal(first?.option, 'name');
      assert(first?.parameters.some((parameter) => parameter.type === 'string'));
    }),
  },
  {
    name: 'what its machine is',
    run: withClient(async (client) => {
      const status = await client.execute('query-status');
      assert.deepEqual([status.running, status.status], [false, 'prelaunch']);
      assert.deepEqual({ ...(await client.execute('query-name')) }, { name: 'typed' });
      const { UUID } = await client.execute('query-uuid');
      assert.match(UUID, /^[0-9a-f-]{36}$/);
      const memory = await client.execute('query-memory-size-summary');
      assert.equal(memory['base-memory'], 16n << 20n);
      assert.deepEqual(await client.execute('query-fdsets'), []);
      const yankable = await client.execute('query-yank');
      assert(yankable.some((instance) => instance.type === 'chardev' && instance.id === 'mon0'));
    }),
  },
  {
    name: 'processors and machines',
    // QEMU 7 does not say all that newer types promise: the next check.
    needs: ({ version, types }) => version > 7 || types === 'generated',
    run: withClient(async (client) => {
      const [cpu] = await client.execute('query-cpus-fast');
      assert.equal(cpu?.['cpu-index'], 0n);
      const machines = await client.execute('query-machines');
      const cpus: bigint[] = machines.map((machine) => machine['cpu-max']);
      assert(cpus.length > 0 && cpus.every((count) => count >= 1n));
    }),
  },
  {
    name: 'a reply that lacks what its type promises is an error that names the place',
    needs: ({ version, types }) => version <= 7 && types === 'machine',
    run: withClient(async (client) => {
      for (const [command, path] of [
        ['query-cpus-fast', '[0].qom-type'],
        ['query-machines', '[0].acpi'],
      ] as const) {
        await assert.rejects(client.execute(command), (error: Error) => {
          assert(error instanceof QmpReplyError && error.cause instanceof OutputMismatch, String(error));
          assert.equal(error.cause.path, path);
          assert(Array.isArray(error.reply));
          return true;
        });
      }
    }),
  },
  {
    name: 'replies of hundreds of kilobytes, several on their way',
    run: withClient(async (client) => {
      const schemas = await Promise.all([1, 2, 3].map(() => client.execute('query-qmp-schema')));
      for (const schema of schemas) {
        const entity = schema.find(({ name }) => name === 'query-name');
        assert(entity?.['meta-type'] === 'command');
        assert.equal(entity['allow-oob'] ?? false, false);
      }
      assert.deepEqual(schemas[1], schemas[0]);
    }),
  },
];
