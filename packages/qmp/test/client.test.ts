import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import type { JsonObject, JsonValue } from '@godwit/json';
import {
  createMemoryTransports,
  QmpClient,
  type QmpClientOptions,
  type QmpCodec,
  QmpCommandError,
  QmpDisconnectedError,
  QmpProtocolError,
  QmpServer,
  QmpTimeoutError,
  type UntypedCommands,
  type UntypedEvents,
} from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { connectToScript, greet, greeting } from './support/script.js';
import { plain, settle, Wire } from './support/wire.js';

async function connectToServer(options: QmpClientOptions<UntypedCommands, UntypedEvents> = {}) {
  const clock = new VirtualClock();
  const dispatcher = new SampleDispatcher();
  const server = new QmpServer({ dispatcher, clock });
  const monitor = server.addMonitor({ label: 'mon' });
  const [ours, theirs] = createMemoryTransports();
  void monitor.attach(ours);
  const client = await QmpClient.connect(theirs, { clock, ...options });
  return { clock, dispatcher, server, monitor, client };
}

test('commands are pipelined and their replies find them', async () => {
  const { client } = await connectToServer();
  assert.deepEqual(
    client.version,
    plain('{"qemu": {"micro": 0, "minor": 1, "major": 0}, "package": "sample"}'),
  );
  const replies = await Promise.all(
    Array.from({ length: 300 }, (_, n) => client.execute('echo', { n, big: 2n ** 64n - 1n })),
  );
  assert.deepEqual(
    replies.map((reply) => (reply as JsonObject).n),
    Array.from({ length: 300 }, (_, n) => n),
  );
  assert.equal((replies[7] as JsonObject).big, 18446744073709551615n);
  await client.close();
});

test('a command that is alone goes without an id and without spaces, and one behind it with an id', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  script.wire.text = '';
  const replies = ['first', 'second', 'third'].map((n) => client.execute('echo', { n, list: [1, 2] }));
  await settle();
  assert.equal(
    script.wire.text,
    [
      '{"execute":"echo","arguments":{"n":"first","list":[1,2]}}\n',
      '{"execute":"echo","arguments":{"n":"second","list":[1,2]},"id":3}\n',
      '{"execute":"echo","arguments":{"n":"third","list":[1,2]},"id":4}\n',
    ].join(''),
  );
  script.wire.send('{"return": 3, "id": 4}{"return": 1}{"return": 2, "id": 3}');
  assert.deepEqual(await Promise.all(replies), [1, 2, 3]);
});

test('an id that the caller has chosen is not given to another command', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const replies = [client.execute('a', undefined, { id: 3 }), client.execute('b'), client.execute('c')];
  const requests = await script.wire.take();
  assert.deepEqual(
    requests.map(({ id }) => id),
    [3, 2, 4],
  );
  script.wire.send('{"return": "c", "id": 4}{"return": "a", "id": 3}{"return": "b", "id": 2}');
  assert.deepEqual(await Promise.all(replies), ['a', 'b', 'c']);
  const nothing = client.execute('d', undefined, { id: null });
  assert.deepEqual((await script.wire.take())[0]?.id, null);
  script.wire.send('{"return": "d", "id": null}');
  assert.equal(await nothing, 'd');
});

test('arguments that are no JSON are refused, and leave nothing behind', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  for (const bad of [() => {}, Symbol('s'), Number.NaN]) {
    await assert.rejects(client.execute('echo', { bad: bad as unknown as JsonValue }), TypeError);
  }
  const circular: JsonObject = {};
  circular.self = circular;
  await assert.rejects(client.execute('echo', circular), RangeError);
  const reply = client.execute('echo');
  assert.deepEqual(await script.wire.take(), [plain('{"execute": "echo"}')]);
  script.wire.send('{"return": 1}');
  assert.equal(await reply, 1);
});

test('an error carries its class, the command and the arguments', async () => {
  const { client } = await connectToServer();
  await assert.rejects(client.execute('fail', { x: 1 }), (error: QmpCommandError) => {
    assert(error instanceof QmpCommandError);
    assert.equal(error.errorClass, 'DeviceNotFound');
    assert.equal(error.message, "Device 'x' not found");
    assert.equal(error.command, 'fail');
    assert.deepEqual(error.arguments, { x: 1 });
    return true;
  });
  await client.close();
});

test('events between a command and its reply, and before the negotiation reply, shift nothing', async () => {
  const script = await connectToScript();
  script.wire.send(greeting);
  await settle();
  script.wire.send('{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "EARLY"}{"return": {}}');
  const client = await script.connecting;
  const seen: unknown[] = [];
  client.on('RESUME', (event) => seen.push(event));
  const first = client.execute('cont');
  const second = client.execute('query-status');
  await settle();
  script.wire.send('{"timestamp": {"seconds": 5, "microseconds": 6}, "event": "RESUME", "data": {"a": 1}}');
  script.wire.send('{"return": {"running": true}, "id": 3}{"return": {}}');
  assert.deepEqual(await first, plain('{}'));
  assert.deepEqual(await second, plain('{"running": true}'));
  assert.deepEqual(seen, [
    { type: 'event', name: 'RESUME', data: plain('{"a": 1}'), timestamp: { seconds: 5, microseconds: 6 } },
  ]);
});

test('a command that times out says so, and its late reply disturbs nobody', async () => {
  const { client, clock, dispatcher } = await connectToServer();
  const waiting = client.execute('wait', { a: 1 }, { timeoutMs: 500 });
  const outcome = assert.rejects(waiting, (error: QmpTimeoutError) => {
    assert(error instanceof QmpTimeoutError);
    assert.equal(error.message, 'wait timed out after 500 ms; the command may still run');
    assert.equal(error.command, 'wait');
    return true;
  });
  await clock.advance(500);
  await outcome;
  const next = client.execute('echo', { n: 1 });
  dispatcher.open();
  assert.deepEqual(await next, plain('{"n": 1}'));
  assert.equal(clock.pendingTimers, 0);
});

test('a signal gives up a command, before or after it was sent', async () => {
  const { client, dispatcher } = await connectToServer();
  const controller = new AbortController();
  const waiting = client.execute('wait', undefined, { signal: controller.signal });
  await settle();
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /^Error: enough$/);
  await assert.rejects(client.execute('stop', undefined, { signal: controller.signal }), /^Error: enough$/);
  dispatcher.open();
  await client.execute('stop');
  assert.deepEqual(dispatcher.log, ['mon:wait', 'mon:stop']);
});

test('an out-of-band command overtakes', async () => {
  const { client, dispatcher } = await connectToServer();
  const order: string[] = [];
  const waiting = client.execute('wait').then(() => order.push('wait'));
  await client.executeOob('urgent').then(() => order.push('urgent'));
  dispatcher.open();
  await waiting;
  assert.deepEqual(order, ['urgent', 'wait']);
});

test('an id may be any JSON, but not one that is on its way', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const id: JsonValue = { a: [1, 18446744073709551615n] };
  const reply = client.execute('stop', undefined, { id });
  await assert.rejects(client.execute('cont', undefined, { id }), /is on its way already/);
  const [request] = await script.wire.take();
  assert.deepEqual(request?.id, plain('{"a": [1, 18446744073709551615]}'));
  script.wire.send('{"return": {}, "id": {"a": [1, 18446744073709551615]}}');
  await reply;
});

test('a lost connection rejects what is on its way, and what comes after', async () => {
  const { client, server } = await connectToServer();
  const waiting = client.execute('wait', { a: 1 });
  const event = client.once('STOP');
  const stream = client.events();
  await settle();
  server.close();
  await assert.rejects(waiting, (error: QmpDisconnectedError) => {
    assert(error instanceof QmpDisconnectedError);
    assert.match(error.message, /before the reply to wait came; it may have run/);
    assert.deepEqual(error.lost, { command: 'wait', arguments: { a: 1 } });
    return true;
  });
  await assert.rejects(event, QmpDisconnectedError);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  assert.match(String(await client.closed), /the server closed the connection/);
  assert.equal(client.state, 'closed');
  await assert.rejects(client.execute('stop'), QmpDisconnectedError);
});

test('a peer that does not speak QMP is told apart from one that is not there', async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['HTTP/1.1 400 Bad Request\r\n', /the server sent what cannot be read: JSON parse error, stray 'H'/],
    ['[]', /a message that is no object/],
    ['{"return": {}}', /the server sent no greeting/],
    [`${greeting}${greeting}`, /a greeting that makes no sense/],
    [`${greeting}{"return": {}, "id": "other"}`, /a reply to no command/],
  ];
  for (const [text, message] of cases) {
    const { wire, connecting } = await connectToScript();
    wire.send(text);
    await assert.rejects(connecting, (error: Error) => {
      assert(error instanceof QmpProtocolError, String(error));
      assert.match(error.message, message);
      return true;
    });
    assert(wire.ended);
  }
  const { wire, connecting } = await connectToScript();
  wire.transport.destroy();
  await assert.rejects(connecting, QmpDisconnectedError);
});

test('a server that says nothing is given up, by time or by signal', async () => {
  const silent = await connectToScript({ connectTimeoutMs: 3000 });
  await silent.clock.advance(3000);
  await assert.rejects(
    silent.connecting,
    /^QmpDisconnectedError: there is no QMP session after 3000 ms: a monitor serves one client at a time/,
  );
  assert(silent.wire.ended);
  const controller = new AbortController();
  const given = await connectToScript({ signal: controller.signal });
  await settle();
  controller.abort(new Error('changed my mind'));
  await assert.rejects(given.connecting, /changed my mind/);
  assert.equal(given.clock.pendingTimers, 0);
});

test('listeners come and go, and one that throws harms no other', async (t) => {
  const { client, server } = await connectToServer();
  const seen: string[] = [];
  const uncaught: unknown[] = [];
  const previous = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error));
  t.after(() => {
    process.removeAllListeners('uncaughtException');
    for (const listener of previous) process.on('uncaughtException', listener);
  });
  const bad = () => {
    throw new Error('listener');
  };
  const good = () => seen.push('good');
  client.on('STOP', bad).on('STOP', good);
  const offset = client.once('RTC_CHANGE', { condition: ({ data }) => data?.offset === 2 });
  server.events.emit('STOP');
  server.events.emit('RTC_CHANGE', { offset: 1 });
  await settle();
  client.off('STOP', bad);
  client.off('STOP', good);
  server.events.emit('STOP');
  await settle();
  assert.deepEqual(seen, ['good']);
  assert.deepEqual(uncaught.map(String), ['Error: listener']);
  const controller = new AbortController();
  const aborted = client.once('STOP', { signal: controller.signal });
  controller.abort(new Error('no more'));
  await assert.rejects(aborted, /no more/);
  await client.close();
  await assert.rejects(offset, QmpDisconnectedError);
});

test('a stream of events keeps so many, and counts and tells what it drops', async () => {
  const { client, server } = await connectToServer();
  const stream = client.events(3);
  for (let n = 0; n < 8; n++) server.events.emit('VFIO_MIGRATION', { n });
  await settle();
  const items: unknown[] = [];
  for await (const item of stream) {
    if (item.type === 'dropped') items.push(`dropped ${item.count}`);
    else if (item.type === 'event') items.push(item.data?.n);
    if (items.length === 4) break;
  }
  assert.deepEqual(items, ['dropped 5', 5, 6, 7]);
  assert.equal(stream.dropped, 5);
  await client.close();
});

test('a typed client encodes, decodes, and shows what does not fit the schema', async () => {
  interface Commands {
    double: { args: { n: bigint }; returns: bigint };
    stop: { args: undefined; returns: undefined };
  }
  interface Events {
    COUNT: { n: bigint };
  }
  const codec: QmpCodec<Commands, Events> = {
    encodeArguments: (_command, args) => args as JsonObject | undefined,
    decodeReturn: (command, value) => (command === 'double' ? BigInt(value as number) * 2n : undefined),
    decodeEvent: (_event, data) => {
      const n = (data as JsonObject).n;
      if (typeof n !== 'number') throw new TypeError('n is no number');
      return { n: BigInt(n) };
    },
  };
  const { wire, connecting } = await (async () => {
    const [ours, theirs] = createMemoryTransports();
    return {
      wire: new Wire(ours),
      connecting: QmpClient.connect(theirs, { protocol: codec, clock: new VirtualClock() }),
    };
  })();
  wire.send(greeting);
  await settle();
  wire.send('{"return": {}}');
  const client = await connecting;
  const doubled: Promise<bigint> = client.execute('double', { n: 4n });
  wire.send('{"return": 4}');
  assert.equal(await doubled, 8n);
  const stream = client.events();
  wire.send('{"event": "COUNT", "data": {"n": 7}, "timestamp": {"seconds": -1, "microseconds": -1}}');
  wire.send('{"event": "COUNT", "data": {"n": "x"}, "timestamp": {"seconds": -1, "microseconds": -1}}');
  const first = (await stream.next()).value;
  assert(first.type === 'event');
  const data: { n: bigint } = first.data;
  assert.equal(data.n, 7n);
  const second = (await stream.next()).value;
  assert(second.type === 'event' && second.mismatch instanceof TypeError);
  assert.deepEqual(second.data, plain('{"n": "x"}'));
});
