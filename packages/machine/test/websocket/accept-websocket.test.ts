import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createMemoryTransports, type MemoryTransport, type Transport } from '@godwit/qmp';
import { CloseCode, Opcode } from '../../src/websocket/frames.js';
import { acceptWebSocket } from '../../src/websocket/index.js';
import { createTestMachine } from '../support/test-machine.js';
import { binary, clientFrame, head, serverFrames, upgradeRequest } from './client.js';

const clock = { wallMicroseconds: () => 0 };
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** A client that has written something to a server, which accepts WebSockets. */
class Visitor {
  readonly transport: MemoryTransport;
  readonly accepted: Promise<Transport>;
  received = Buffer.alloc(0);
  closed = false;

  constructor(...chunks: Uint8Array[]) {
    const [ours, theirs] = createMemoryTransports({ closeDescriptor: closeSync });
    this.transport = ours;
    ours.start({
      data: (chunk) => {
        this.received = Buffer.concat([this.received, chunk]);
      },
      drain: () => {},
      ended: () => ours.end(),
      closed: () => {
        this.closed = true;
      },
    });
    this.accepted = acceptWebSocket(theirs, clock);
    for (const chunk of chunks) ours.write(chunk);
  }

  /** The frames that have come behind the answer to the handshake. */
  get frames(): [number, string][] {
    const start = this.received.indexOf('\r\n\r\n') + 4;
    const { frames, rest } = serverFrames(this.received.subarray(start));
    assert.equal(rest.length, 0);
    return frames.map(([first, payload]) => [first, payload.toString('latin1')]);
  }
}

/** Starts an accepted transport, and collects what it says. */
function listen(transport: Transport) {
  const heard = { data: '', ended: false, closed: false };
  transport.start({
    data: (chunk) => {
      heard.data += Buffer.from(chunk).toString('latin1');
    },
    drain: () => {},
    ended: () => {
      heard.ended = true;
    },
    closed: () => {
      heard.closed = true;
    },
  });
  return heard;
}

test('bytes go both ways in binary frames, those that came right behind the request included', async () => {
  const visitor = new Visitor(Buffer.concat([head(upgradeRequest), binary('first')]));
  const socket = await visitor.accepted;
  socket.write(Buffer.from('greeting'));
  const heard = listen(socket);
  assert.equal(heard.data, '', 'nothing comes during the call of start');
  await settled();
  visitor.transport.write(binary(' second'));
  await settled();
  assert.equal(heard.data, 'first second');
  assert.deepEqual(visitor.frames, [[0x80 | Opcode.binary, 'greeting']]);
});

test('a request may come byte by byte', async () => {
  const visitor = new Visitor(...[...head(upgradeRequest)].map((byte) => Buffer.of(byte)));
  const heard = listen(await visitor.accepted);
  visitor.transport.write(binary('x'));
  await settled();
  assert.equal(heard.data, 'x');
});

test('a ping is answered with what it carries', async () => {
  const visitor = new Visitor(head(upgradeRequest));
  listen(await visitor.accepted);
  visitor.transport.write(clientFrame(Opcode.ping, 'echo'));
  await settled();
  assert.deepEqual(visitor.frames, [[0x80 | Opcode.pong, 'echo']]);
});

const closing = (code: number, reason: string): [number, string] => [
  0x80 | Opcode.close,
  `${String.fromCharCode(code >> 8, code & 0xff)}${reason}`,
];

test('a close is answered, and ends the connection', async () => {
  const visitor = new Visitor(head(upgradeRequest));
  const heard = listen(await visitor.accepted);
  visitor.transport.write(clientFrame(Opcode.close, ''));
  await settled();
  assert.deepEqual(visitor.frames, [closing(CloseCode.normal, 'peer requested close')]);
  await settled();
  assert.ok(heard.closed && visitor.closed);
});

test('a client that breaks the protocol is told why, and nothing of it is taken any more', async () => {
  const visitor = new Visitor(head(upgradeRequest));
  const heard = listen(await visitor.accepted);
  visitor.transport.write(Buffer.concat([clientFrame(1, 'text'), binary('more')]));
  await settled();
  assert.equal(heard.data, '');
  assert.deepEqual(visitor.frames, [
    closing(CloseCode.unsupportedData, 'only binary, close, ping, and pong frames are supported'),
  ]);
  await settled();
  assert.ok(heard.closed);
});

test('the server says that it closes', async () => {
  const visitor = new Visitor(head(upgradeRequest));
  const socket = await visitor.accepted;
  listen(socket);
  socket.write(Buffer.from('bye'));
  socket.end();
  socket.write(Buffer.from('too late'));
  await settled();
  assert.deepEqual(visitor.frames, [[0x80 | Opcode.binary, 'bye'], closing(CloseCode.normal, '')]);
});

test('who asks for something else is told so and sent away', async () => {
  const visitor = new Visitor(Buffer.from('{"execute": "qmp_capabilities"}\r\n\r\n'));
  await assert.rejects(visitor.accepted, /a WebSocket was refused: Missing HTTP version delimiter/);
  await settled();
  await settled();
  assert.match(visitor.received.toString(), /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.ok(visitor.closed);
});

test('a request that never ends is cut off', async () => {
  const visitor = new Visitor(Buffer.alloc(5000, 'x'));
  await assert.rejects(visitor.accepted, /not found in first 4096 bytes/);
});

test('a client that goes before it has asked is no WebSocket', async () => {
  const visitor = new Visitor(Buffer.from('GET / '));
  visitor.transport.destroy();
  await assert.rejects(visitor.accepted, /a WebSocket was refused: the client has gone/);
});

test('descriptors that come along are closed', async () => {
  const [one, two] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
  const visitor = new Visitor();
  visitor.transport.write(head(upgradeRequest), [one]);
  const heard = listen(await visitor.accepted);
  visitor.transport.write(binary('x'), [two]);
  await settled();
  assert.equal(heard.data, 'x');
  for (const fd of [one, two]) assert.throws(() => fstatSync(fd), /EBADF/);
});

/** The text that has come in frames, once it ends in a line end. */
function webSocketClient(t: TestContext, path: string) {
  const socket = connect(path);
  t.after(() => socket.destroy());
  let bytes = Buffer.alloc(0);
  let wake = () => {};
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  socket.write(head(upgradeRequest));
  const line = async (): Promise<string> => {
    for (;;) {
      const start = bytes.indexOf('\r\n\r\n') + 4;
      const { frames, rest } = serverFrames(bytes.subarray(start));
      const text = Buffer.concat(frames.map(([, payload]) => payload)).toString();
      if (start >= 4 && text.endsWith('\r\n') && rest.length === 0) {
        bytes = bytes.subarray(0, start);
        return text.trimEnd();
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { socket, line };
}

test('a monitor speaks over a WebSocket', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'web');
  const machine = await createTestMachine({
    chardevs: [
      {
        kind: 'socket',
        id: 'web',
        endpoint: { type: 'unix', path },
        server: true,
        wait: false,
        websocket: true,
      },
    ],
  });
  t.after(() => machine.close());
  await machine.machine.openMonitors({ chardev: 'web', mode: 'control', pretty: false });
  const { socket, line } = webSocketClient(t, path);
  assert.match(await line(), /^\{"QMP": /);
  socket.write(binary('{"execute": "qmp_capabilities"}'));
  assert.equal(await line(), '{"return": {}}');
});
