import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestMachine, execute, type TestMachine } from './support/test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

const COM1 = 0x3f8;

/** The guest sends a text over COM1. */
function guestSends({ machine }: TestMachine, text: string): void {
  for (const byte of Buffer.from(text)) machine.hardware.bus.write('port', COM1, Uint8Array.of(byte));
}

const unix = (path: string) => ({
  type: 'socket',
  data: { addr: { type: 'unix', data: { path } }, server: true, wait: false },
});

/** Connects, and collects what comes. */
async function client(
  machine: TestMachine,
  path: string,
): Promise<{ socket: Socket; received: () => string }> {
  const socket = connect(path);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  let connected = false;
  socket.on('connect', () => {
    connected = true;
  });
  await machine.clock.advanceUntil(() => connected);
  await machine.clock.advance(5);
  return { socket, received: () => text };
}

test('a chardev is made, listed, and removed, and its socket goes with it', async () => {
  const machine = await createTestMachine();
  const path = join(folder, 'a');
  assert.deepEqual(
    { ...((await execute(machine, 'chardev-add', { id: 'a', backend: unix(path) })) as object) },
    {},
  );
  assert.ok(existsSync(path));
  const [listed] = (await execute(machine, 'query-chardev')) as object[];
  assert.deepEqual(
    { ...listed },
    {
      label: 'a',
      filename: `disconnected:unix:${path},server=on`,
      'frontend-open': false,
    },
  );
  await execute(machine, 'chardev-send-break', { id: 'a' });
  await execute(machine, 'chardev-remove', { id: 'a' });
  assert.ok(!existsSync(path));
  assert.deepEqual(await execute(machine, 'query-chardev'), []);
  await machine.close();
});

test('what is wrong with a chardev is said, and leaves no trace', async () => {
  const machine = await createTestMachine({ chardevs: [{ kind: 'null', id: 'n' }], serials: ['n'] });
  const add = (id: string, backend: object) => execute(machine, 'chardev-add', { id, backend });
  const refusals = [
    [() => add('n', { type: 'null', data: {} }), "Chardev with id 'n' already exists"],
    [() => add('x', { type: 'pty', data: {} }), "Parameter 'type' does not accept value 'pty'"],
    [() => add('x', { type: 'ringbuf', data: { size: 3 } }), 'size of ringbuf chardev must be power of two'],
    [() => add('x', unix('/nonexistent/x')), /^Failed to bind socket to \/nonexistent\/x: /],
    [() => add('x', unix(`/${'y'.repeat(120)}`)), /too long/],
    [
      () => add('x', { type: 'file', data: { out: '/nonexistent/x' } }),
      "Could not open '/nonexistent/x': No such file or directory",
    ],
    [() => add('x', { type: 'file', data: { out: '/dev/fdset/7' } }), 'Failed to find fdset /dev/fdset/7'],
    [() => execute(machine, 'chardev-remove', { id: 'zz' }), "Chardev 'zz' not found"],
    [() => execute(machine, 'chardev-remove', { id: 'n' }), "Chardev 'n' is busy"],
    [() => execute(machine, 'chardev-send-break', { id: 'zz' }), "Chardev 'zz' not found"],
    [() => execute(machine, 'ringbuf-read', { device: 'zz', size: 1 }), "Device 'zz' not found"],
    [() => execute(machine, 'ringbuf-read', { device: 'n', size: 1 }), 'n is not a ringbuf device'],
  ] as const;
  for (const [act, message] of refusals) {
    await assert.rejects(act(), { errorClass: 'GenericError', message });
  }
  assert.equal(((await execute(machine, 'query-chardev')) as unknown[]).length, 1);
  await machine.close();
});

test('a ring buffer keeps the last bytes of the serial port', async () => {
  const machine = await createTestMachine({
    chardevs: [{ kind: 'ringbuf', id: 'log', size: 8 }],
    serials: ['log'],
  });
  guestSends(machine, 'hello, world');
  await machine.clock.advance(1);
  assert.equal(await execute(machine, 'ringbuf-read', { device: 'log', size: 3 }), 'o, ');
  await execute(machine, 'ringbuf-write', { device: 'log', data: 'ISE=', format: 'base64' });
  assert.equal(await execute(machine, 'ringbuf-read', { device: 'log', size: 100 }), 'world!!');
  await machine.close();
});

test('a client of the serial port may come before the guest writes, and its successor after it', async () => {
  const path = join(folder, 'serial');
  const machine = await createTestMachine({
    chardevs: [
      {
        kind: 'socket',
        id: 's',
        endpoint: { type: 'unix', path, abstract: false },
        server: true,
        wait: false,
      },
    ],
    serials: ['s'],
  });
  const first = await client(machine, path);
  guestSends(machine, 'one');
  await machine.clock.advanceUntil(() => first.received() === 'one');
  const second = await client(machine, path);
  first.socket.destroy();
  await machine.clock.advance(20);
  guestSends(machine, 'two');
  await machine.clock.advanceUntil(() => second.received() === 'two');
  assert.equal(first.received(), 'one');
  second.socket.destroy();
  await machine.close();
  assert.ok(!existsSync(path));
});

test('chardev-change gives the serial port another backend', async () => {
  const out = join(folder, 'serial.log');
  const machine = await createTestMachine({ chardevs: [{ kind: 'null', id: 's' }], serials: ['s'] });
  guestSends(machine, 'lost');
  await execute(machine, 'chardev-change', { id: 's', backend: { type: 'file', data: { out } } });
  guestSends(machine, 'kept');
  await machine.clock.advanceUntil(() => readFileSync(out, 'utf8') === 'kept');
  await assert.rejects(
    execute(machine, 'chardev-change', {
      id: 's',
      backend: { type: 'file', data: { out: '/nonexistent/x' } },
    }),
    { message: /Could not open/ },
  );
  guestSends(machine, ' on');
  await machine.clock.advanceUntil(() => readFileSync(out, 'utf8') === 'kept on');
  await machine.close();
});
