import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync } from 'node:fs';
import type { JsonObject, JsonValue } from '@godwit/json';
import { requireNative } from '@godwit/native';
import { QmpClient, QmpCommandError, QmpDisconnectedError, type QmpGap } from '../src/index.js';
import { Peer, type Program } from './peer.js';

const native = requireNative('the conformance run');

/** Something that the client does with a real server; it throws when that goes wrong. */
interface Check {
  readonly name: string;
  readonly run: (client: QmpClient, peer: Peer) => Promise<void>;
}

const checks: readonly Check[] = [
  {
    name: 'commands and errors carry what they should',
    run: async (client) => {
      assert.equal(typeof ((client.version as JsonObject).qemu as JsonObject).major, 'number');
      assert(client.oobEnabled);
      await assert.rejects(client.execute('device_del', { id: 'nothing' }), (error: QmpCommandError) => {
        assert(error instanceof QmpCommandError);
        assert.equal(error.errorClass, 'DeviceNotFound');
        assert.equal(error.command, 'device_del');
        assert.deepEqual(error.arguments, { id: 'nothing' });
        return true;
      });
    },
  },
  {
    name: 'replies of hundreds of kilobytes, several on their way',
    run: async (client) => {
      const schemas = await Promise.all([1, 2, 3].map(() => client.execute('query-qmp-schema')));
      for (const schema of schemas) assert((schema as JsonValue[]).length > 50);
      assert.deepEqual(schemas[1], schemas[0]);
    },
  },
  {
    name: '64-bit integers come back as they were sent',
    run: async (client) => {
      const value = 2n ** 53n + 1n;
      await client.execute('object-add', { 'qom-type': 'iothread', id: 'exact', 'poll-max-ns': value });
      const iothreads = (await client.execute('query-iothreads')) as JsonObject[];
      const exact = iothreads.find(({ id }) => id === 'exact');
      await client.execute('object-del', { id: 'exact' });
      assert.equal(exact?.['poll-max-ns'], value);
      assert.deepEqual(
        await client.execute('query-name', undefined, { id: 2n ** 64n - 1n }),
        Object.create(null),
      );
    },
  },
  {
    name: 'events among pipelined commands, none lost and no reply shifted',
    run: async (client) => {
      const rounds = 50;
      const stream = client.events();
      const replies: Promise<unknown>[] = [];
      for (let round = 0; round < rounds; round++) {
        replies.push(client.execute('cont'), client.execute('query-status'), client.execute('stop'));
      }
      const statuses = (await Promise.all(replies)).filter((_, index) => index % 3 === 1);
      for (const status of statuses) assert.equal((status as JsonObject).running, true);
      const names: string[] = [];
      for await (const item of stream) {
        assert(item.type === 'event');
        names.push(item.name);
        if (names.length === rounds * 2) break;
      }
      assert.deepEqual(names, Array.from({ length: rounds }, () => ['RESUME', 'STOP']).flat());
      assert.equal(stream.dropped, 0);
    },
  },
  {
    name: 'descriptors reach the command they were sent with',
    run: async (client) => {
      const before = readdirSync('/proc/self/fd').length;
      const file = openSync('/dev/null', 'r');
      const names = Array.from({ length: 10 }, (_, index) => `fd${index}`);
      await Promise.all(names.map((fdname) => client.execute('getfd', { fdname }, { fds: [file] })));
      await Promise.all(names.map((fdname) => client.execute('closefd', { fdname })));
      await assert.rejects(client.execute('getfd', { fdname: 'none' }), QmpCommandError);
      const handed = openSync('/dev/null', 'r');
      const added = await client.execute(
        'add-fd',
        { opaque: 'x' },
        { fds: [{ fd: handed, handOver: true }] },
      );
      const { 'fdset-id': id } = added as JsonObject;
      assert.deepEqual(
        ((await client.execute('query-fdsets')) as JsonObject[]).map((set) => set['fdset-id']),
        [id],
      );
      await client.execute('remove-fd', { 'fdset-id': id! });
      closeSync(file);
      assert.equal(readdirSync('/proc/self/fd').length, before);
    },
  },
  {
    name: 'a timeout and a signal leave the connection whole',
    run: async (client) => {
      const controller = new AbortController();
      const aborted = client.execute('query-qmp-schema', undefined, { signal: controller.signal });
      controller.abort(new Error('changed my mind'));
      await assert.rejects(aborted, /changed my mind/);
      await client.execute('query-name');
    },
  },
  {
    name: 'two clients on two monitors see the same events',
    run: async (client, peer) => {
      const other = await QmpClient.connect({ kind: 'unix', path: peer.paths[1]! }, { native });
      const seen = Promise.all([client.once('RESUME'), other.once('RESUME')]);
      await other.execute('cont');
      const [first, second] = await seen;
      assert.deepEqual(first.timestamp, second.timestamp);
      const stopped = client.once('STOP');
      await client.execute('stop');
      await stopped;
      await other.close();
    },
  },
];

/** What QEMU alone shows: its commands take long enough to be overtaken. */
const overtaking: Check = {
  name: 'an out-of-band command overtakes',
  run: async (client) => {
    const order: string[] = [];
    const slow = [1, 2, 3, 4].map(() => client.execute('query-qmp-schema').then(() => order.push('slow')));
    const urgent = client.executeOob('migrate-pause').catch((error: QmpCommandError) => {
      assert.match(error.message, /migrate-pause is currently only supported/);
      order.push('urgent');
    });
    await Promise.all([...slow, urgent]);
    assert(order.indexOf('urgent') < order.length - 1, order.join(', '));
  },
};

/** Runs all checks against one peer; returns the names and errors of those that failed. */
export async function checkClient(peer: Peer, isQemu: boolean): Promise<string[]> {
  const failures: string[] = [];
  for (const check of isQemu ? [...checks, overtaking] : checks) {
    const client = await QmpClient.connect({ kind: 'unix', path: peer.paths[0]! }, { native });
    try {
      await check.run(client, peer);
    } catch (error) {
      failures.push(`${check.name}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      await client.close();
    }
  }
  return failures;
}

/** A server that goes away and comes back: the client says that there was a gap, and what is the case now. */
export async function checkReconnect(program: Program, folder: string): Promise<string[]> {
  const first = await Peer.start(program, folder);
  const client = await QmpClient.connect(
    { kind: 'unix', path: first.paths[0]! },
    { native, reconnect: true },
  );
  let second: Peer | undefined;
  try {
    const gap = new Promise<QmpGap>((resolve) => client.onGap(resolve));
    const lost = client.execute('query-qmp-schema');
    lost.catch(() => {});
    first.stop();
    await lost.catch((error: unknown) => assert(error instanceof QmpDisconnectedError));
    await first.exited;
    first.removePaths();
    second = await Peer.start(program, folder);
    const { snapshot, lostAt, regainedAt } = await gap;
    assert.equal((snapshot['query-status'] as JsonObject).status, 'prelaunch');
    assert.deepEqual(Object.keys(snapshot), ['query-status', 'query-migrate']);
    assert(regainedAt > lostAt);
    await client.execute('query-name');
    return [];
  } catch (error) {
    return [`reconnect: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    await client.close();
    first.stop();
    second?.stop();
  }
}
