import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { type Monitor, MonitorServer, QmpServer } from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';

const skip = native === undefined ? 'the addon is not there' : false;
const openDescriptors = () => readdirSync('/proc/self/fd').length;
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function serve(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-vanish-'));
  const path = join(folder, 'qmp');
  const dispatcher = new SampleDispatcher();
  const clock = new VirtualClock();
  const qmp = new QmpServer({ dispatcher, clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const address = { kind: 'unix', path } as const;
  const server = await MonitorServer.open(monitor, { kind: 'listen', address }, { clock, native });
  t.after(async () => {
    await server.close();
    qmp.close();
    rmSync(folder, { recursive: true });
  });
  return { dispatcher, monitor, path };
}

/** A client that has negotiated and sent some more. */
async function clientThatSent(path: string, text: string): Promise<Socket> {
  const socket = connect(path);
  await new Promise((resolve) => socket.once('data', resolve));
  await new Promise((resolve) => socket.write(`{"execute": "qmp_capabilities"}${text}`, resolve));
  return socket;
}

async function gone(monitor: Monitor): Promise<void> {
  while (monitor.session !== undefined) await turn();
}

test('a client that vanishes while its command runs makes room at once, and leaves nothing', {
  skip,
}, async (t) => {
  const { dispatcher, monitor, path } = await serve(t);
  const before = openDescriptors();
  const socket = await clientThatSent(path, '{"execute": "wait"}{"execute": "stop"}');
  while (!dispatcher.log.includes('mon:wait')) await turn();
  socket.destroy();
  await gone(monitor);
  const next = await clientThatSent(path, '{"execute": "query-name"}');
  dispatcher.open();
  while (!dispatcher.log.includes('mon:query-name')) await turn();
  assert.deepEqual(dispatcher.log, ['mon:wait', 'mon:query-name']);
  next.destroy();
  await gone(monitor);
  while (openDescriptors() > before) await turn();
});

test('a client that only stops sending has the reply of the command that runs', { skip }, async (t) => {
  const { dispatcher, monitor, path } = await serve(t);
  const socket = connect({ path, allowHalfOpen: true });
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.end('{"execute": "qmp_capabilities"}{"execute": "wait", "id": 7}');
  while (!dispatcher.log.includes('mon:wait')) await turn();
  dispatcher.open();
  await ended;
  assert.match(text, /"id": 7\}\r\n$/);
  await gone(monitor);
});

test('a client that vanishes without having read is gone, though its input is not read', {
  skip,
}, async (t) => {
  const { monitor, path } = await serve(t);
  const before = openDescriptors();
  const socket = await clientThatSent(path, '');
  socket.pause();
  // More replies than fit: the monitor stops reading.
  for (let request = 0; request < 200; request++) socket.write('{"execute": "large"}');
  for (let turns = 0; turns < 20; turns++) await turn();
  socket.destroy();
  await gone(monitor);
  while (openDescriptors() > before) await turn();
});
