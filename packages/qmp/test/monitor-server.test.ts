import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import {
  type MonitorEndpoint,
  MonitorServer,
  QmpServer,
  type SocketAddress,
  StreamTransport,
} from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(t: TestContext, endpoint: MonitorEndpoint) {
  const clock = new VirtualClock();
  const dispatcher = new SampleDispatcher();
  const qmp = new QmpServer({ dispatcher, clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const reports: string[] = [];
  const server = await MonitorServer.open(monitor, endpoint, {
    clock,
    onReport: (text) => reports.push(text),
  });
  t.after(async () => {
    await server.close();
    qmp.close();
  });
  return { clock, qmp, monitor, server, reports, dispatcher };
}

/** A client by lines of text. */
class LineClient {
  readonly socket: Socket;
  #text = '';
  ended = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      socket.emit('line');
    });
    socket.on('end', () => {
      this.ended = true;
      socket.emit('line');
    });
    socket.on('error', () => {});
  }

  static async connect(address: SocketAddress): Promise<LineClient> {
    const socket =
      address.kind === 'unix'
        ? connect({ path: address.path, allowHalfOpen: true })
        : connect({ port: address.kind === 'tcp' ? address.port : 0, host: '127.0.0.1' });
    const client = new LineClient(socket);
    await once(socket, 'connect');
    return client;
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\r\n');
      if (end >= 0) {
        const line = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return line;
      }
      if (this.ended) return 'END';
      await once(this.socket, 'line');
    }
  }

  async ask(text: string): Promise<string> {
    this.socket.write(text);
    return this.line();
  }
}

const greeting = /^\{"QMP": /;
const done = '{"return": {}}';
const negotiate = '{"execute": "qmp_capabilities"}';

test('a unix socket is for its owner alone, and its path goes when it closes', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'qmp.sock');
  const { server } = await serve(t, { kind: 'listen', address: { kind: 'unix', path } });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ['qmp.sock']);
  const client = await LineClient.connect({ kind: 'unix', path });
  assert.match(await client.line(), greeting);
  assert.equal(await client.ask(negotiate), done);
  client.socket.destroy();
  await server.close();
  assert(!existsSync(path));
});

test('whoever listens last has the path, unless it is a file of another kind or too long', async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, 'qmp.sock');
  const address: SocketAddress = { kind: 'unix', path };
  const endpoint: MonitorEndpoint = { kind: 'listen', address };
  const first = await serve(t, endpoint);
  const second = await serve(t, endpoint);
  await first.server.close();
  assert(existsSync(path), 'the path belongs to whoever came last');
  const client = await LineClient.connect(address);
  assert.match(await client.line(), greeting);
  client.socket.destroy();
  await second.server.close();
  assert(!existsSync(path));

  writeFileSync(join(folder, 'file'), '');
  const file: SocketAddress = { kind: 'unix', path: join(folder, 'file') };
  await assert.rejects(serve(t, { kind: 'listen', address: file }), /it exists and is not a socket/);
  const long: SocketAddress = { kind: 'unix', path: join(folder, 'x'.repeat(100)) };
  await assert.rejects(serve(t, { kind: 'listen', address: long }), /too long/);

  const dead = join(folder, 'dead.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(dead)}, () => process.kill(process.pid, 'SIGKILL'))`;
  const { spawnSync } = await import('node:child_process');
  spawnSync(process.execPath, ['-e', script]);
  assert(existsSync(dead));
  await serve(t, { kind: 'listen', address: { kind: 'unix', path: dead } });
  assert.match(await (await LineClient.connect({ kind: 'unix', path: dead })).line(), greeting);
});

test('one client is served at a time; the next one waits for its greeting', async (t) => {
  const { server, monitor } = await serve(t, {
    kind: 'listen',
    address: { kind: 'tcp', host: '127.0.0.1', port: 0 },
  });
  assert(server.address?.kind === 'tcp' && server.address.port > 0);
  const first = await LineClient.connect(server.address);
  assert.match(await first.line(), greeting);
  const second = await LineClient.connect(server.address);
  const third = await LineClient.connect(server.address);
  assert.equal(await first.ask(negotiate), done);
  second.socket.write(negotiate);
  first.socket.destroy();
  assert.match(await second.line(), greeting);
  assert.equal(await second.line(), done);
  second.socket.destroy();
  assert.match(await third.line(), greeting);
  assert(monitor.session !== undefined);
  third.socket.destroy();
});

test('a client that closes its side has its replies, then the end', async (t) => {
  const path = join(temporaryFolder(t), 'qmp.sock');
  await serve(t, { kind: 'listen', address: { kind: 'unix', path } });
  const client = await LineClient.connect({ kind: 'unix', path });
  client.socket.end(`${negotiate}{"execute": "stop"}{"execute": "query-name"}`);
  assert.match(await client.line(), greeting);
  for (let reply = 0; reply < 3; reply++) assert.equal(await client.line(), done);
  assert.equal(await client.line(), 'END');
});

test('a monitor that connects does so again after a disconnect, and while nobody listens', async (t) => {
  const path = join(temporaryFolder(t), 'manager.sock');
  const accepted: Socket[] = [];
  const manager = createServer((socket) => accepted.push(socket)).listen(path);
  t.after(() => manager.close());
  await once(manager, 'listening');
  const { clock, server } = await serve(t, {
    kind: 'connect',
    address: { kind: 'unix', path },
    reconnectMs: 5000,
  });
  await server.firstClient;
  while (accepted.length === 0) await once(manager, 'connection');
  const first = new LineClient(accepted[0]!);
  assert.match(await first.line(), greeting);
  first.socket.destroy();
  const again = once(manager, 'connection');
  while (clock.pendingTimers === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(5000);
  await again;
  assert.match(await new LineClient(accepted[1]!).line(), greeting);
  for (const socket of accepted) socket.destroy();
});

test('a monitor that is to connect once fails when nobody listens', async (t) => {
  const path = join(temporaryFolder(t), 'nobody.sock');
  await assert.rejects(
    serve(t, { kind: 'connect', address: { kind: 'unix', path } }),
    /cannot connect to unix:.*ENOENT/,
  );
});

test('a monitor on two streams answers on the second and leaves it open', async (t) => {
  const input = new PassThrough();
  const output = new PassThrough({ encoding: 'latin1' });
  const transport = new StreamTransport({ input, output, keepOutput: true });
  const { monitor } = await serve(t, { kind: 'stream', transport });
  input.write(negotiate);
  input.end('{"execute": "stop"}');
  let text = '';
  output.on('data', (more: string) => {
    text += more;
  });
  while (monitor.session !== undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.match(text, greeting);
  assert(text.endsWith(`\r\n${done}\r\n${done}\r\n`));
  assert(output.writable);
});

test('a connection that is broken from this side makes room for the next', async (t) => {
  const path = join(temporaryFolder(t), 'qmp.sock');
  const address: SocketAddress = { kind: 'unix', path };
  const { server, reports } = await serve(t, { kind: 'listen', address });
  server.disconnect();
  const first = await LineClient.connect(address);
  assert.match(await first.line(), greeting);
  const second = await LineClient.connect(address);
  server.disconnect();
  assert.equal(await first.line(), 'END');
  assert.match(await second.line(), greeting);
  assert.deepEqual(reports, []);
  second.socket.destroy();
});

test('200 monitors at once are all answered', async (t) => {
  const folder = temporaryFolder(t);
  const clock = new VirtualClock();
  const qmp = new QmpServer({ dispatcher: new SampleDispatcher(), clock });
  const servers: MonitorServer[] = [];
  for (let index = 0; index < 200; index++) {
    const address: SocketAddress = { kind: 'unix', path: join(folder, `${index}`) };
    const monitor = qmp.addMonitor({ label: `mon${index}` });
    servers.push(await MonitorServer.open(monitor, { kind: 'listen', address }, { clock }));
  }
  t.after(async () => {
    for (const server of servers) await server.close();
    qmp.close();
  });
  const clients = await Promise.all(servers.map((server) => LineClient.connect(server.address!)));
  for (const client of clients) assert.match(await client.line(), greeting);
  assert.deepEqual(
    await Promise.all(clients.map((client) => client.ask(negotiate))),
    clients.map(() => done),
  );
  assert.equal(qmp.connected, 200);
  for (const client of clients) client.socket.destroy();
});
