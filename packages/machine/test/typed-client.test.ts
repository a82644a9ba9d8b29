import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { clientCodec } from '@godwit/qapi/runtime';
import { createMemoryTransports, QmpClient, QmpCommandError, type QmpEvent } from '@godwit/qmp';
import { type Commands, type Events, protocol, type RunState } from '../src/protocol.js';
import { createTestMachine } from './support/test-machine.js';

/** A client of a machine, typed by what was generated from the machine's schema. */
async function typedClient(t: TestContext) {
  const { machine, clock, close } = await createTestMachine({ clock: new VirtualClock(5_000_000) });
  const [near, far] = createMemoryTransports();
  void machine.addMonitor({ label: 'typed' }).attach(near);
  const client = await QmpClient.connect(far, { clock, protocol: clientCodec(protocol) });
  t.after(async () => {
    await client.close();
    await close();
  });
  return client;
}

test('what commands return has the types of the schema', async (t) => {
  const client = await typedClient(t);
  const { running, status } = await client.execute('query-status');
  const wasRunning: boolean = running;
  assert.equal(wasRunning, true);
  assert.equal(status satisfies RunState | string, 'running');
  await client.execute('object-add', { 'qom-type': 'iothread', id: 'io', 'poll-max-ns': 2n ** 53n + 1n });
  const [thread] = await client.execute('query-iothreads');
  const pollMax: bigint = thread!['poll-max-ns'];
  assert.equal(pollMax, 2n ** 53n + 1n);
  assert.equal(await client.execute('stop'), undefined);
  const name: string | undefined = (await client.execute('query-name')).name;
  assert.equal(name, undefined);
});

test('events have the types of the schema', async (t) => {
  const client = await typedClient(t);
  const seen: QmpEvent<'RESET', Events['RESET']>[] = [];
  client.on('RESET', (event) => seen.push(event));
  const stream = client.events();
  await client.execute('system_reset');
  for await (const item of stream) {
    if (item.type === 'event' && item.name === 'RESET') {
      // The name tells which data there are.
      const guest: boolean = item.data.guest;
      assert.equal(guest, false);
      break;
    }
  }
  assert.equal(seen[0]?.data.reason, 'host-qmp-system-reset');
  assert.deepEqual(seen[0]?.timestamp.seconds, 5);
});

test('what the schema does not have is refused before it is sent', async (t) => {
  const client = await typedClient(t);
  // @ts-expect-error a member is missing
  await assert.rejects(client.execute('getfd', {}), TypeError);
  // @ts-expect-error a member is unknown
  await assert.rejects(client.execute('closefd', { fdname: 'a', more: 1 }), TypeError);
  // @ts-expect-error there is no such command
  await assert.rejects(client.execute('query-nonsense'), { errorClass: 'CommandNotFound' });
  await assert.rejects(client.execute('closefd', { fdname: 'a' }), (error: QmpCommandError) => {
    assert(error instanceof QmpCommandError);
    assert.deepEqual(error.arguments, { fdname: 'a' });
    return true;
  });
});

/** Never called: the compiler is the test. */
export async function whatDoesNotCompile(client: QmpClient<Commands, Events>): Promise<void> {
  // @ts-expect-error the command takes arguments
  await client.execute('getfd');
  // @ts-expect-error integers of 64 bits are bigint
  await client.execute('object-add', { 'qom-type': 'iothread', id: 'io', 'poll-max-ns': 1.5 });
  // @ts-expect-error a branch has no member of another
  await client.execute('object-add', { 'qom-type': 'secret', id: 's', 'poll-max-ns': 1n });
  // @ts-expect-error the command cannot be executed out of band
  await client.executeOob('query-status');
  await client.executeOob('query-yank');
  // @ts-expect-error there is no such event
  client.on('NONSENSE', () => {});
  // @ts-expect-error the event has no such member
  client.on('SHUTDOWN', ({ data }) => data.nothing);
  client.on('SHUTDOWN', ({ data }) => data.reason satisfies string);
  // @ts-expect-error the reply has no such member
  (await client.execute('query-status')).nothing;
  await client.execute('getfd', { fdname: 'a' }, { fds: [{ fd: 3, handOver: true }], timeoutMs: 10 });
}
