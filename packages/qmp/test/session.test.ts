import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { createMemoryTransports, QmpServer, type SessionLimits } from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { errorReply, plain, settle, Wire } from './support/wire.js';

function startServer(limits: Partial<SessionLimits> = {}) {
  const dispatcher = new SampleDispatcher();
  const clock = new VirtualClock(1_700_000_000_123_456);
  const closed: number[] = [];
  const server = new QmpServer({
    dispatcher,
    clock,
    limits: { closeDescriptor: (fd) => closed.push(fd), ...limits },
  });
  const connect = (label = 'monitor', options: { pretty?: boolean; oob?: boolean } = {}) => {
    const monitor =
      [...server.monitors].find((each) => each.label === label) ?? server.addMonitor({ label, ...options });
    const [ours, theirs] = createMemoryTransports({ closeDescriptor: (fd) => closed.push(fd) });
    const ended = monitor.attach(ours);
    return { monitor, ended, wire: new Wire(theirs), peer: theirs };
  };
  return { dispatcher, clock, server, connect, closed };
}

test('the greeting offers out-of-band execution, where the monitor has it', async () => {
  const { connect } = startServer();
  const { wire } = connect();
  await wire.take();
  assert.equal(
    wire.text,
    '{"QMP": {"version": {"qemu": {"micro": 0, "minor": 1, "major": 0}, "package": "sample"}, "capabilities": ["oob"]}}\r\n',
  );
  const { wire: other } = connect('plain', { oob: false });
  await other.take();
  assert.match(other.text, /"capabilities": \[\]/);
  assert.deepEqual(
    await other.ask('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob", "oob"]}}'),
    errorReply('GenericError', 'Capability oob, oob not available'),
  );
});

test('before negotiation every command is refused, and qmp_capabilities checks what it is given', async () => {
  const { connect } = startServer();
  const { wire } = connect();
  await wire.take();
  const cases: readonly (readonly [string, string, string])[] = [
    [
      '{"execute": "query-name"}',
      'CommandNotFound',
      "Expecting capabilities negotiation with 'qmp_capabilities'",
    ],
    [
      '{"execute": "nonsense"}',
      'CommandNotFound',
      "Expecting capabilities negotiation with 'qmp_capabilities'",
    ],
    ['{"exec-oob": "urgent"}', 'GenericError', "QMP input member 'exec-oob' is unexpected"],
    [
      '{"execute": "qmp_capabilities", "arguments": {"enable": 1}}',
      'GenericError',
      "Invalid parameter type for 'enable', expected: array",
    ],
    [
      '{"execute": "qmp_capabilities", "arguments": {"enable": [1]}}',
      'GenericError',
      "Invalid parameter type for 'enable[0]', expected: string",
    ],
    [
      '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob", "foo"]}}',
      'GenericError',
      "Parameter 'null' does not accept value 'foo'",
    ],
    [
      '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"], "x": 1}}',
      'GenericError',
      "Parameter 'x' is unexpected",
    ],
  ];
  for (const [text, errorClass, desc] of cases) {
    assert.deepEqual(await wire.ask(text), errorReply(errorClass, desc), text);
  }
  assert.deepEqual(
    await wire.ask('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}, "id": 1}'),
    plain('{"return": {}, "id": 1}'),
  );
  assert.deepEqual(
    await wire.ask('{"execute": "qmp_capabilities"}'),
    errorReply('CommandNotFound', 'Capabilities negotiation is already complete, command ignored'),
  );
});

test('what is wrong with a request is found in the order in which QEMU finds it', async () => {
  const { connect, dispatcher } = startServer();
  const { wire } = connect();
  await wire.negotiate(true);
  const generic: readonly (readonly [string, string])[] = [
    ['12 ', 'QMP input must be a JSON object'],
    ['[]', 'QMP input must be a JSON object'],
    ['1.5 ', 'QMP input must be a JSON object'],
    ['{"a": }', 'JSON parse error, expecting value'],
    ['{"execute": "a", "exec-oob": "b"}', "QMP input member 'execute' clashes with 'exec-oob'"],
    ['{"exec-oob": "a", "foo": "b"}', "QMP input member 'foo' is unexpected"],
    ['{"execute": "a", "foo": "b", "bar": 1, "baz": 2}', "QMP input member 'baz' is unexpected"],
    ['{"execute": "a", "toString": 1}', "QMP input member 'toString' is unexpected"],
    ['{"arguments": 1, "foo": "b"}', "QMP input member 'arguments' must be an object"],
    ['{"arguments": 1, "execute": 3}', "QMP input member 'execute' must be a string"],
    ['{"execute": "query-name", "arguments": null}', "QMP input member 'arguments' must be an object"],
    ['{"exec-oob": "query-name"}', 'The command query-name does not support OOB'],
  ];
  for (const [text, desc] of generic) {
    assert.deepEqual(await wire.ask(text), errorReply('GenericError', desc), text);
  }
  assert.deepEqual(
    await wire.ask('{"execute": 1, "exec-oob": 2, "arguments": 3, "foo": 4, "id": 5}'),
    errorReply('GenericError', "QMP input member 'exec-oob' must be a string", 5),
  );
  assert.deepEqual(
    await wire.ask('{"id": null}'),
    errorReply('GenericError', "QMP input lacks member 'execute'", null),
  );
  assert.deepEqual(
    await wire.ask('{"execute": "toString"}'),
    errorReply('CommandNotFound', 'The command toString has not been found'),
  );
  dispatcher.phase = 'preconfig';
  assert.deepEqual(
    await wire.ask('{"execute": "stop"}'),
    errorReply(
      'GenericError',
      "The command 'stop' is permitted only after machine initialization has completed",
    ),
  );
  assert.deepEqual(await wire.ask('{"execute": "query-name"}'), plain('{"return": {}}'));
  assert.deepEqual(dispatcher.log, ['monitor:query-name']);
});

test('an id of any type comes back, exactly, on replies and errors', async () => {
  const { connect } = startServer();
  const { wire } = connect();
  await wire.negotiate();
  for (const id of [
    'null',
    '"x"',
    '18446744073709551615',
    '[1, {"a": -9223372036854775808}]',
    'false',
    '{"": []}',
  ]) {
    assert.deepEqual(
      await wire.ask(`{"execute": "query-name", "id": ${id}}`),
      plain(`{"return": {}, "id": ${id}}`),
    );
    const error = await wire.ask(`{"execute": "fail", "id": ${id}}`);
    assert.deepEqual(error, errorReply('DeviceNotFound', "Device 'x' not found", plain(id)));
  }
  wire.text = '';
  await wire.ask('{"execute": "query-name", "id": 1.50}');
  assert.equal(wire.text, '{"return": {}, "id": 1.5}\r\n');
});

test('an error that no command foresaw is reported and the session goes on', async () => {
  const { connect } = startServer();
  const { wire } = connect();
  await wire.negotiate();
  assert.deepEqual(
    await wire.ask('{"execute": "crash", "id": 1}'),
    errorReply('GenericError', 'unforeseen', 1),
  );
  wire.send('{"execute": "silent"}');
  assert.deepEqual(await wire.take(), []);
  assert.deepEqual(await wire.ask('{"execute": "stop"}'), plain('{"return": {}}'));
});

test('pretty output has CR LF at every line', async () => {
  const { connect } = startServer();
  const { wire } = connect('pretty', { pretty: true });
  await wire.negotiate();
  wire.text = '';
  await wire.ask('{"execute": "echo", "arguments": {"a": [1]}}');
  assert.equal(
    wire.text,
    '{\r\n    "return": {\r\n        "a": [\r\n            1\r\n        ]\r\n    }\r\n}\r\n',
  );
});

test('requests of one monitor are answered in order, however they are cut into chunks', async () => {
  const { connect } = startServer();
  const { wire } = connect();
  await wire.negotiate();
  let text = '';
  for (let index = 0; index < 1000; index++)
    text += `{"execute": "${index % 3 ? 'stop' : 'crash'}", "id": ${index}}`;
  for (let start = 0; start < text.length; start += 777) wire.send(text.slice(start, start + 777));
  const replies = [];
  while (replies.length < 1000) {
    const more = await wire.take();
    assert(more.length > 0);
    replies.push(...more);
  }
  assert.deepEqual(
    replies.map(({ id }) => id),
    Array.from({ length: 1000 }, (_, index) => index),
  );
});

test('without out-of-band execution nothing is read while a command runs', async () => {
  const { connect, dispatcher } = startServer();
  const { wire } = connect();
  await wire.negotiate();
  wire.send('{"execute": "wait"}{"execute": "stop", "id": 2}{"exec-oob": "urgent", "id": 3}');
  assert.deepEqual(await wire.take(), []);
  assert.deepEqual(dispatcher.log, ['monitor:wait']);
  dispatcher.open();
  assert.deepEqual(await wire.take(), [
    plain('{"return": {}}'),
    plain('{"return": {}, "id": 2}'),
    errorReply('GenericError', "QMP input member 'exec-oob' is unexpected", 3),
  ]);
});

test('an out-of-band command overtakes; reading stops at eight requests that wait and goes on when one is taken', async () => {
  const { connect, dispatcher } = startServer();
  const { wire } = connect();
  await wire.negotiate(true);
  wire.send('{"execute": "wait", "id": 0}');
  for (let index = 1; index <= 7; index++) wire.send(`{"execute": "wait", "id": ${index}}`);
  wire.send('{"exec-oob": "urgent", "id": "a"}');
  assert.deepEqual(await wire.take(), [plain('{"return": "now", "id": "a"}')]);
  // The eighth that waits fills the queue, so that the next out-of-band command is not seen yet.
  wire.send('{"execute": "stop", "id": 8}{"exec-oob": "urgent", "id": "b"}');
  assert.deepEqual(await wire.take(), []);
  dispatcher.open();
  assert.deepEqual(await wire.take(), [
    plain('{"return": {}, "id": 0}'),
    plain('{"return": "now", "id": "b"}'),
  ]);
  for (let index = 1; index <= 7; index++) {
    dispatcher.open();
    await settle();
  }
  assert.deepEqual(
    (await wire.take()).map(({ id }) => id),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
});

test('one dispatcher serves all monitors, in turn', async () => {
  const { connect, dispatcher } = startServer();
  const { wire: a } = connect('a');
  const { wire: b } = connect('b');
  await a.negotiate();
  await b.negotiate();
  a.send('{"execute": "wait"}{"execute": "stop"}{"execute": "stop"}');
  await settle();
  b.send('{"execute": "query-name"}{"execute": "query-name"}');
  assert.deepEqual(await b.take(), [], 'a second command does not run while the first does');
  dispatcher.open();
  await settle();
  assert.deepEqual(dispatcher.log, ['a:wait', 'b:query-name', 'a:stop', 'b:query-name', 'a:stop']);
});

test('a disconnect drops what waits, and the next client must negotiate again', async () => {
  const { connect, dispatcher } = startServer();
  const first = connect();
  await first.wire.negotiate(true);
  first.wire.send('{"execute": "wait"}{"execute": "stop"}{"execute": "half');
  await settle();
  first.wire.transport.destroy();
  await settle();
  dispatcher.open();
  assert.equal(await first.ended, undefined);
  const second = connect();
  await second.wire.take();
  assert.deepEqual(
    await second.wire.ask('{"execute": "stop"}'),
    errorReply('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'"),
  );
  assert.deepEqual(dispatcher.log, ['monitor:wait']);
});

test('a client that sends and closes its side gets its replies first', async () => {
  const { connect, dispatcher } = startServer();
  const { wire, peer, ended } = connect();
  wire.send('{"execute": "qmp_capabilities"}{"execute": "wait", "id": 1}{"execute": "stop", "id": 2}');
  peer.finish();
  await settle();
  dispatcher.open();
  await ended;
  assert.deepEqual(
    (await wire.take()).slice(1).map(({ id }) => id),
    [undefined, 1, 2],
  );
});

test('events go to every negotiated client, and not before', async () => {
  const { connect, server } = startServer();
  const { wire: plainWire } = connect('plain');
  const { wire: prettyWire } = connect('pretty', { pretty: true });
  const { wire: silent } = connect('silent');
  server.events.emit('STOP');
  await plainWire.negotiate();
  await prettyWire.negotiate();
  await silent.take();
  plainWire.text = '';
  prettyWire.text = '';
  server.events.emit('STOP', {});
  server.events.emit('RTC_CHANGE', { offset: 78 });
  await settle();
  const timestamp = '"timestamp": {"seconds": 1700000000, "microseconds": 123456}';
  assert.equal(
    plainWire.text,
    `{${timestamp}, "event": "STOP"}\r\n{${timestamp}, "event": "RTC_CHANGE", "data": {"offset": 78}}\r\n`,
  );
  assert.match(prettyWire.text, /^\{\r\n {4}"timestamp": \{\r\n/);
  assert.deepEqual(await silent.take(), []);
});

test('a client that reads no events is disconnected, and the others get them all', async () => {
  const { connect, server } = startServer({ outputLimit: 10_000 });
  const slow = connect('slow');
  const fast = connect('fast');
  await slow.wire.negotiate();
  await fast.wire.negotiate();
  slow.wire.transport.pause();
  let sent = 0;
  while (slow.monitor.session !== undefined) {
    server.events.emit('VFIO_MIGRATION', { 'device-id': 'x'.repeat(100) });
    sent++;
    await settle();
    assert(sent < 1000);
  }
  assert.match(String(await slow.ended), /the client does not read: more than 10000 bytes wait for it/);
  assert.equal((await fast.wire.take()).length, sent);
});

test('a client that does not read replies is not read either, and loses nothing', async () => {
  const { connect, dispatcher } = startServer({ outputHighWater: 300_000, outputLimit: 1_000_000 });
  const { wire } = connect();
  await wire.negotiate();
  wire.transport.pause();
  for (let index = 0; index < 50; index++) wire.send(`{"execute": "large", "id": ${index}}`);
  await settle();
  assert(dispatcher.log.length < 5, `${dispatcher.log.length} commands were executed`);
  wire.transport.resume();
  const replies = [];
  while (replies.length < 50) replies.push(...(await wire.take()));
  assert.deepEqual(
    replies.map(({ id }) => id),
    Array.from({ length: 50 }, (_, index) => index),
  );
});

test('one monitor has one client', () => {
  const { connect } = startServer();
  connect();
  assert.throws(() => connect(), /monitor has a client already/);
});
