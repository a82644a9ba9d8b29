import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { StreamTransport, type Transport } from '@godwit/qmp';
import type { ObjectConfiguration } from '../../src/index.js';
import type { VncConfiguration } from '../../src/vnc/index.js';
import { Opcode } from '../../src/websocket/frames.js';
import { credentialFolder, SERVER_FILES } from '../objects/credential-folder.js';
import { createTestMachine, execute, type TestMachine } from '../support/test-machine.js';
import { binary, head, serverFrames, upgradeRequest } from '../websocket/client.js';
import { TestViewer } from './viewer.js';

async function machineOf(
  context: TestContext,
  vnc: Partial<VncConfiguration> = {},
  objects: readonly ObjectConfiguration[] = [],
): Promise<TestMachine> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const machine = await createTestMachine({
    objects,
    vnc: [
      {
        id: 'default',
        address: { kind: 'unix', path: join(folder, 'vnc') },
        webAddress: { kind: 'tcp', host: '127.0.0.1', port: 0, lastPort: 0 },
        password: false,
        share: 'allow-exclusive',
        connections: 32,
        ...vnc,
      },
    ],
  });
  context.after(async () => {
    await machine.close();
    rmSync(folder, { recursive: true });
  });
  return machine;
}

const portOf = ({ machine }: TestMachine): number => Number(machine.vnc!.find()!.webAddress!.service);

/** What a page's WebSocket is to a viewer: the bytes of its binary frames. */
function webSocketOver(socket: Socket): Transport {
  const connection = new StreamTransport({ input: socket, output: socket });
  const request = head(upgradeRequest);
  return {
    carriesDescriptors: false,
    get writableLength() {
      return connection.writableLength;
    },
    start(handler) {
      let received: Buffer = Buffer.alloc(0);
      let upgraded = false;
      connection.start({
        ...handler,
        drain: () => handler.drain(),
        ended: () => handler.ended(),
        closed: (error) => handler.closed(error),
        data: (chunk) => {
          received = Buffer.concat([received, chunk]);
          if (!upgraded) {
            const end = received.indexOf('\r\n\r\n');
            if (end < 0) return;
            assert.match(received.toString('latin1', 0, end), /^HTTP\/1\.1 101 /);
            upgraded = true;
            received = received.subarray(end + 4);
          }
          const { frames, rest } = serverFrames(received);
          received = rest;
          for (const [first, payload] of frames) {
            if ((first & 0xf) === Opcode.binary) handler.data(payload, []);
          }
        },
      });
      connection.write(request);
    },
    write: (bytes) => connection.write(binary(bytes)),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    end: () => connection.end(),
    destroy: () => connection.destroy(),
  };
}

const plain = (machine: TestMachine) => new TestViewer(webSocketOver(connect(portOf(machine), '127.0.0.1')));

test('a viewer in a web page sees the console over a WebSocket, and is told of as one', async (context) => {
  const machine = await machineOf(context);
  const viewer = plain(machine);
  assert.equal(await viewer.authenticate('RFB 003.008\n'), true);
  await viewer.initialize();
  assert.deepEqual([viewer.width, viewer.height], [640, 400]);
  viewer.request(false);
  const [whole] = await viewer.update();
  assert.deepEqual([whole?.width, whole?.height], [640, 400]);

  const [server] = JSON.parse(JSON.stringify(await execute(machine, 'query-vnc-servers')));
  const socket = { auth: 'none', host: '127.0.0.1', family: 'ipv4' };
  assert.deepEqual(server.server[0], { ...socket, service: String(portOf(machine)), websocket: true });
  assert.equal(server.server[1].websocket, false);
  assert.deepEqual(
    server.clients.map(({ host, websocket }: { host: string; websocket: boolean }) => [host, websocket]),
    [['127.0.0.1', true]],
  );
  const text = String(await execute(machine, 'human-monitor-command', { 'command-line': 'info vnc' }));
  assert.match(text, / {2}Client: 127\.0\.0\.1:\d+ \(ipv4 \(Websocket\)\)/);
  viewer.close();
});

test('a viewer in a web page has to know the password', async (context) => {
  const machine = await machineOf(context, { password: true });
  await execute(machine, 'change-vnc-password', { password: 'secret' });
  assert.equal(await plain(machine).authenticate('RFB 003.008\n', 'guess'), false);
  assert.equal(await plain(machine).authenticate('RFB 003.008\n', 'secret'), true);
});

test('with credentials a page is spoken to over TLS, and is asked for nothing more', async (context) => {
  const dir = credentialFolder(context, SERVER_FILES);
  const machine = await machineOf(context, { tlsCredentials: 'tls' }, [
    { type: 'tls-creds-x509', id: 'tls', properties: { endpoint: 'server', dir, 'verify-peer': false } },
  ]);
  const socket = connectTls({ port: portOf(machine), host: '127.0.0.1', rejectUnauthorized: false });
  const viewer = new TestViewer(webSocketOver(socket));
  assert.equal(await viewer.authenticate('RFB 003.008\n'), true);
  await viewer.initialize();
  assert.deepEqual([viewer.width, viewer.height], [640, 400]);
  viewer.close();
});

test('who asks for no WebSocket is sent away, and who says nothing has ten seconds', async (context) => {
  const machine = await machineOf(context);
  const clients = () => machine.machine.vnc!.find()!.clients.length;
  const lost = new TestViewer(
    new StreamTransport(streams(connect(portOf(machine), '127.0.0.1').end('GET /nothing HTTP/1.1\r\n\r\n'))),
  );
  assert.match((await lost.untilClosed()).toString(), /^HTTP\/1\.1 404 /);
  await machine.clock.advanceUntil(() => clients() === 0);
  const silent = new TestViewer(new StreamTransport(streams(connect(portOf(machine), '127.0.0.1'))));
  await machine.clock.advanceUntil(() => clients() === 1);
  await machine.clock.advance(10_000);
  assert.equal((await silent.untilClosed()).length, 0);
  assert.equal(clients(), 0);
  const names = machine.events.filter((name) => name.startsWith('VNC_'));
  assert.deepEqual(new Set(names), new Set(['VNC_CONNECTED', 'VNC_DISCONNECTED']));
});

function streams(socket: Socket): { input: Socket; output: Socket } {
  return { input: socket, output: socket };
}
