import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QmpClient, QmpDisconnectedError, QmpProtocolError, QmpReplyError } from '../src/index.js';
import { connectToScript, greet, greeting } from './support/script.js';
import { plain, settle } from './support/wire.js';

test('a server that closes in the middle of a reply', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const reply = client.execute('query-status');
  await settle();
  script.wire.send('{"return": {"running": tr');
  script.wire.transport.end();
  await assert.rejects(reply, (error: Error) => {
    assert(error instanceof QmpDisconnectedError);
    assert.match(error.message, /lost before the reply to query-status came; it may have run/);
    return true;
  });
  assert(await client.closed);
});

test('a server that closes as soon as it has let the client in', async () => {
  const script = await connectToScript();
  script.wire.send(greeting);
  await settle();
  script.wire.send('{"return": {}}');
  script.wire.transport.destroy();
  const ended = await script.connecting.then(
    (client) => client.closed,
    (error: Error) => error,
  );
  assert(ended instanceof QmpDisconnectedError);
});

test('a reply without end is refused, with the limit, and what it was for is told', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const reply = client.execute('query-everything');
  await settle();
  script.wire.send(`{"return": [${'0,'.repeat(1 << 20)}0]}`);
  script.wire.send('{"return": {}}');
  await assert.rejects(reply, (error: Error) => {
    assert(error instanceof QmpDisconnectedError);
    assert.equal(error.lost?.command, 'query-everything');
    assert(error.cause instanceof QmpProtocolError);
    assert.match(error.cause.message, /what cannot be read: JSON token count limit exceeded/);
    return true;
  });
  assert.match(String(await client.closed), /cannot be read/);
});

test('a reply to no command, and one that is neither a result nor an error', async () => {
  const script = await connectToScript();
  const client = await greet(script);
  const odd = client.execute('odd');
  await settle();
  script.wire.send('{}');
  await assert.rejects(odd, /a reply without return and error/);
  const next = client.execute('next');
  await settle();
  script.wire.send('{"return": 1, "id": 77}');
  await assert.rejects(next, QmpDisconnectedError);
  assert.match(String(await client.closed), /a reply to no command/);
});

test('a reply that is not of its type is told with what came, and the client goes on', async () => {
  const mismatch = new Error('[0]: is missing');
  const script = await connectToScript({
    protocol: {
      encodeArguments: () => undefined,
      decodeReturn: (command, value) => {
        if (command === 'strange') throw mismatch;
        return value;
      },
      decodeEvent: (_name, data) => data,
    },
  });
  const client = await greet(script);
  const strange = client.execute('strange', { a: 1 });
  await settle();
  script.wire.send('{"return": [1]}');
  await assert.rejects(strange, (error: Error) => {
    assert(error instanceof QmpReplyError);
    assert.equal(error.message, 'the reply to strange is not of its type: [0]: is missing');
    assert.deepEqual([error.command, error.arguments, error.reply], ['strange', { a: 1 }, [1]]);
    assert.equal(error.cause, mismatch);
    return true;
  });
  const good = client.execute('good');
  await settle();
  script.wire.send('{"return": {}}');
  assert.deepEqual(await good, plain('{}'));
});

test('what is given up before it is connected closes the transport', async () => {
  const script = await connectToScript({ signal: AbortSignal.abort(new Error('never mind')) });
  await assert.rejects(script.connecting, /never mind/);
  await settle();
  assert(script.wire.ended);
  await assert.rejects(
    QmpClient.connect('/nowhere', { signal: AbortSignal.abort(new Error('never mind')) }),
    /never mind/,
  );
});
