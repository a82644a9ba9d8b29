import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { createMemoryTransports, QmpServer } from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { errorReply, plain, settle, Wire } from './support/wire.js';

function startMonitor() {
  const dispatcher = new SampleDispatcher();
  const closed: number[] = [];
  const closeDescriptor = (fd: number) => {
    assert(!closed.includes(fd), `descriptor ${fd} is closed twice`);
    closed.push(fd);
  };
  const server = new QmpServer({ dispatcher, clock: new VirtualClock(), limits: { closeDescriptor } });
  const monitor = server.addMonitor({ label: 'monitor' });
  const connect = async (oob = false) => {
    const [ours, theirs] = createMemoryTransports({ closeDescriptor });
    void monitor.attach(ours);
    const wire = new Wire(theirs);
    await wire.negotiate(oob);
    return wire;
  };
  return { dispatcher, server, monitor, connect, closed };
}

test('a command takes the first descriptor of several and the others are closed', async () => {
  const { connect, dispatcher, closed } = startMonitor();
  const wire = await connect();
  assert.deepEqual(await wire.ask('{"execute": "take"}', [101, 102, 103]), plain('{"return": 101}'));
  assert.deepEqual(closed, [102, 103]);
  assert.deepEqual(await wire.ask('{"execute": "take"}'), plain('{"return": null}'));
  assert.deepEqual(dispatcher.taken, [101, undefined]);
});

test('descriptors that no command took wait for one, until new ones come or the client goes', async () => {
  const { connect, closed } = startMonitor();
  const wire = await connect();
  await wire.ask('{"execute": "stop"}', [101]);
  assert.deepEqual(await wire.ask('{"execute": "take"}'), plain('{"return": 101}'));
  await wire.ask('{"execute": "stop"}', [102, 103]);
  await wire.ask('{"execute": "stop"}', [104]);
  assert.deepEqual(closed, [102, 103]);
  wire.transport.destroy();
  await settle();
  assert.deepEqual(closed, [102, 103, 104]);
});

test('requests that wait keep their own descriptors while newer ones come', async () => {
  const { connect, dispatcher, closed } = startMonitor();
  const wire = await connect(true);
  wire.send('{"execute": "wait"}');
  wire.send('{"execute": "take", "id": 1}', [101, 102]);
  wire.send('{"execute": "take", "id": 2}', [103]);
  wire.send('{"execute": "stop", "id": 3}', [104]);
  await settle();
  assert.deepEqual(closed, []);
  dispatcher.open();
  assert.deepEqual(await wire.take(), [
    plain('{"return": {}}'),
    plain('{"return": 101, "id": 1}'),
    plain('{"return": 103, "id": 2}'),
    plain('{"return": {}, "id": 3}'),
  ]);
  assert.deepEqual(closed, [102]);
  wire.transport.destroy();
  await settle();
  assert.deepEqual(closed, [102, 104]);
});

test('descriptors of a message whose second half comes later belong to it', async () => {
  const { connect } = startMonitor();
  const wire = await connect();
  wire.send('{"execute": ', [101]);
  await settle();
  assert.deepEqual(await wire.ask('"take"}'), plain('{"return": 101}'));
});

test('a disconnect closes what waits with a request', async () => {
  const { connect, dispatcher, closed } = startMonitor();
  const wire = await connect(true);
  wire.send('{"execute": "wait"}', [101]);
  wire.send('{"execute": "take"}', [102]);
  await settle();
  wire.transport.destroy();
  await settle();
  dispatcher.open();
  await settle();
  assert.deepEqual(closed.sort(), [101, 102]);
  assert.deepEqual(dispatcher.taken, []);
});

test('names belong to the monitor, survive a reconnect, and are closed when they are replaced', async () => {
  const { connect, monitor, server, closed } = startMonitor();
  const wire = await connect();
  const getfd = (name: string) => `{"execute": "getfd", "arguments": {"fdname": "${name}"}}`;
  assert.deepEqual(
    await wire.ask(getfd('a')),
    errorReply('GenericError', 'No file descriptor supplied via SCM_RIGHTS'),
  );
  assert.deepEqual(
    await wire.ask(getfd('1a'), [101]),
    errorReply('GenericError', "Parameter 'fdname' expects a name not starting with a digit"),
  );
  assert.deepEqual(closed, [101]);
  await wire.ask(getfd('a'), [102]);
  await wire.ask(getfd('a'), [103]);
  assert.deepEqual(closed, [101, 102]);
  await wire.ask(getfd('b'), [104]);
  await wire.ask(getfd('c'), [105]);
  wire.transport.destroy();
  await settle();

  const again = await connect();
  const closefd = (name: string) => `{"execute": "closefd", "arguments": {"fdname": "${name}"}}`;
  assert.deepEqual(await again.ask(closefd('a')), plain('{"return": {}}'));
  assert.deepEqual(
    await again.ask(closefd('a')),
    errorReply('GenericError', "File descriptor named 'a' not found"),
  );
  assert.equal(monitor.descriptors.take('b'), 104);
  assert.throws(() => monitor.descriptors.take('b'), /File descriptor named 'b' has not been found/);
  server.close();
  await settle();
  assert.deepEqual(closed, [101, 102, 103, 105]);
});
