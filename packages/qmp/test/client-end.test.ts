import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QmpDisconnectedError } from '../src/index.js';
import { connectToScript, greet } from './support/script.js';
import { settle } from './support/wire.js';

const event = (name: string) => `{"event": "${name}", "timestamp": {"seconds": 1, "microseconds": 2}}`;

test('close rejects what waits and what comes after, and resolves when the connection is closed', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const waiting = assert.rejects(client.execute('wait'), QmpDisconnectedError);
  const stream = client.events();
  await Promise.all([client.close(), client.close()]);
  await waiting;
  assert.equal(await client.closed, undefined);
  await assert.rejects(client.execute('stop'), /the client is closed/);
  await assert.rejects(client.once('STOP'), QmpDisconnectedError);
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
  assert.deepEqual(await client.events().next(), { value: undefined, done: true });
  await settle();
  assert(script.wire.ended);
  assert.equal(script.clock.pendingTimers, 0);
});

test('a server that reads nothing does not keep a client from closing', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  script.wire.transport.pause();
  const lost = assert.rejects(client.execute('stop'), QmpDisconnectedError);
  let closed = false;
  const closing = client.close().then(() => {
    closed = true;
  });
  await settle();
  assert(!closed);
  await script.clock.advance(1000);
  await closing;
  await lost;
});

test('a client and a stream end with their block', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const held = client.events();
  {
    await using scoped = client;
    await using stream = scoped.events();
    script.wire.send(event('STOP'));
    const { value } = await stream.next();
    assert.equal(value.name, 'STOP');
  }
  assert.equal(client.state, 'closed');
  assert.equal((await held.next()).value.name, 'STOP');
  assert.equal((await held.next()).done, true);
});

test('a stream that is left keeps nothing more', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const stream = client.events();
  script.wire.send(event('STOP'));
  for await (const item of stream) {
    assert(item.type === 'event');
    break;
  }
  script.wire.send(event('RESUME'));
  await settle();
  assert.deepEqual(await stream.next(), { value: undefined, done: true });
});

test('a condition that throws rejects, and is not asked again', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  let asked = 0;
  const once = client.once('STOP', {
    condition: () => {
      asked++;
      throw new Error('my mistake');
    },
  });
  script.wire.send(event('STOP').repeat(2));
  await assert.rejects(once, /my mistake/);
  assert.equal(asked, 1);
});

test('one signal may be for any number of commands', async (t) => {
  const warnings: Error[] = [];
  const warned = (warning: Error) => warnings.push(warning);
  process.on('warning', warned);
  t.after(() => process.off('warning', warned));
  const script = await connectToScript();
  const client = await greet(script);
  const controller = new AbortController();
  const { signal } = controller;
  const replies = Array.from({ length: 30 }, () => client.execute('wait', undefined, { signal }));
  const events = Array.from({ length: 30 }, () => client.once('STOP', { signal }));
  const outcomes = Promise.allSettled([...replies, ...events]);
  await settle();
  script.wire.send('{"return": 1}');
  assert.equal(await replies[0], 1);
  controller.abort(new Error('enough'));
  const rejected = (await outcomes).filter((outcome) => outcome.status === 'rejected');
  assert.equal(rejected.length, 59);
  for (const { reason } of rejected) assert.equal((reason as Error).message, 'enough');
  await settle();
  assert.deepEqual(warnings, []);
});
