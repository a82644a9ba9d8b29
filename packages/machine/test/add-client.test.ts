import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '@godwit/native';
import { connectTransport, QmpClient, StreamTransport } from '@godwit/qmp';
import type { MachineConfiguration } from '../src/index.js';
import { createTestMachine, type TestMachine } from './support/test-machine.js';
import { TestViewer } from './vnc/viewer.js';

const skip = native === undefined ? 'the addon is not there' : false;

interface Passing {
  readonly machine: TestMachine;
  /** Passes a descriptor, which it closes, and returns what `add_client` says. */
  pass(fd: number, protocol: string, more?: object): Promise<string>;
  /** A connected pair: one end to pass, the other to talk through. */
  pair(): [fd: number, socket: Socket];
  close(): Promise<void>;
}

async function passing(configuration: Partial<MachineConfiguration> = {}): Promise<Passing> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-add-client-'));
  const path = join(folder, 'qmp');
  const before = readdirSync('/proc/self/fd').length;
  const socket = { kind: 'socket', server: true, wait: false } as const;
  const machine = await createTestMachine({
    ...configuration,
    chardevs: [
      { ...socket, id: 'qmp', endpoint: { type: 'unix', path } },
      { ...socket, id: 'com1', endpoint: { type: 'unix', path: join(folder, 'com1') } },
      { ...socket, id: 'free', endpoint: { type: 'unix', path: join(folder, 'free') } },
      { id: 'quiet', kind: 'null' },
    ],
    serials: ['com1'],
  });
  await machine.machine.openMonitors({ chardev: 'qmp', mode: 'control', pretty: false });
  const transport = await connectTransport({ kind: 'unix', path }, { native });
  const client = await QmpClient.connect(transport, { clock: machine.clock, native });
  return {
    machine,
    async pass(fd, protocol, more = {}) {
      await client.execute('getfd', { fdname: 'client' }, { fds: [{ fd, handOver: true }] });
      try {
        await client.execute('add_client', { protocol, fdname: 'client', ...more });
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    },
    pair() {
      const [near, far] = native!.socketpair();
      return [near, new Socket({ fd: far, readable: true, writable: true })];
    },
    async close() {
      await client.close();
      await machine.close();
      await machine.clock.advance(100);
      rmSync(folder, { recursive: true });
      assert.equal(readdirSync('/proc/self/fd').length, before, 'descriptors were leaked');
    },
  };
}

const read = (socket: Socket) =>
  new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => {});
    socket.once('close', () => resolve());
    socket.resume();
  });

test('a passed socket becomes a VNC client; with skipauth it needs no password', { skip }, async () => {
  const server = { id: 'default', password: true, share: 'allow-exclusive', connections: 32 } as const;
  const world = await passing({ vnc: [server] });
  const [fd, socket] = world.pair();
  assert.equal(await world.pass(fd, 'vnc', { skipauth: true }), '');
  const viewer = new TestViewer(new StreamTransport({ input: socket, output: socket }));
  assert.equal(await viewer.authenticate('RFB 003.008\n'), true);
  await viewer.initialize();
  viewer.request(false);
  assert.equal((await viewer.update())[0]!.width, 640);
  viewer.close();

  const [lockedFd, locked] = world.pair();
  assert.equal(await world.pass(lockedFd, 'vnc'), '');
  const stranger = new TestViewer(new StreamTransport({ input: locked, output: locked }));
  assert.equal(await stranger.authenticate('RFB 003.008\n', 'guess'), false);
  await stranger.untilClosed();
  stranger.close();
  await world.close();
});

test('a passed socket becomes the client of the serial console, or of a monitor', { skip }, async () => {
  const world = await passing();
  const [fd, socket] = world.pair();
  assert.equal(await world.pass(fd, 'com1'), '');
  world.machine.machine.chardevs.serialOutput(Buffer.from('from the guest'));
  assert.equal(await read(socket), 'from the guest');
  const [second, other] = world.pair();
  assert.equal(await world.pass(second, 'com1'), 'failed to add client');
  await closed(other);
  socket.destroy();
  await closed(socket);
  await world.machine.clock.advance(10);

  const [third, monitor] = world.pair();
  assert.equal(await world.pass(third, 'free'), '');
  assert.equal(await world.pass(world.pair()[0], 'free'), 'failed to add client');
  await world.machine.machine.openMonitors({ chardev: 'free', mode: 'control', pretty: false });
  assert.match(await read(monitor), /^\{"QMP":/);
  monitor.destroy();
  await world.close();
});

test('what cannot be a client is refused, and its descriptor closed', { skip }, async () => {
  const world = await passing();
  const refusals: readonly (readonly [string, string])[] = [
    ['spice', 'SPICE is not in use'],
    ['@dbus-display', 'D-Bus display is not in use'],
    ['rdp', "protocol 'rdp' is invalid"],
    ['quiet', 'failed to add client'],
    ['qmp', 'failed to add client'],
    // A QEMU without VNC says nothing either.
    ['vnc', ''],
  ];
  for (const [protocol, reason] of refusals) {
    const [fd, socket] = world.pair();
    assert.equal(await world.pass(fd, protocol), reason, protocol);
    await closed(socket);
  }
  for (const protocol of ['vnc', 'com1', 'spice']) {
    assert.equal(
      await world.pass(openSync('/dev/null', 'r'), protocol),
      'parameter @fdname must name a socket',
    );
  }
  await world.close();
});
