import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
} from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { native } from '@godwit/native';
import { connectTransport, QmpClient } from '@godwit/qmp';
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
  const machine = await createTestMachine({
    chardevs: [
      { kind: 'null', id: 'n' },
      { kind: 'ringbuf', id: 'r', size: 8 },
    ],
    serials: ['n'],
  });
  const add = (id: string, backend: object) => execute(machine, 'chardev-add', { id, backend });
  const refusals = [
    [() => add('n', { type: 'null', data: {} }), "Chardev with id 'n' already exists"],
    [() => add('x', { type: 'spicevmc', data: {} }), "Parameter 'type' does not accept value 'spicevmc'"],
    [
      () => add('x', { type: 'ringbuf', data: { size: 3 } }),
      "Failed to add chardev 'x': size of ringbuf chardev must be power of two",
    ],
    [
      () => add('x', unix('/nonexistent/x')),
      /^Failed to add chardev 'x': Failed to bind socket to \/nonexistent\/x: /,
    ],
    [
      () => add('x', { type: 'socket', data: { ...unix('/x').data, server: false } }),
      "Failed to add chardev 'x': 'wait' option is incompatible with socket in client connect mode",
    ],
    [
      () => add('x', { type: 'socket', data: { ...unix('/x').data, reconnect: 1 } }),
      "Failed to add chardev 'x': 'reconnect' option is incompatible with socket in server listen mode",
    ],
    [
      () => add('x', { type: 'pipe', data: { device: '/nonexistent/x' } }),
      "Failed to add chardev 'x': Could not open '/nonexistent/x': No such file or directory",
    ],
    [
      () => add('x', { type: 'mux', data: { chardev: 'zz' } }),
      "Failed to add chardev 'x': mux: base chardev zz not found",
    ],
    [
      () => add('x', { type: 'mux', data: { chardev: 'n' } }),
      "Failed to add chardev 'x': Device 'n' is in use",
    ],
    [
      () => add('x', { type: 'null', data: { logfile: '/nonexistent/x' } }),
      "Failed to add chardev 'x': Could not create '/nonexistent/x': No such file or directory",
    ],
    [
      () => execute(machine, 'chardev-change', { id: 'zz', backend: { type: 'null', data: {} } }),
      "Chardev 'zz' does not exist",
    ],
    [
      () => execute(machine, 'ringbuf-write', { device: 'r', data: '!', format: 'base64' }),
      'Base64 data contains invalid characters',
    ],
    [() => add('x', unix(`/${'y'.repeat(120)}`)), /too long/],
    [
      () => add('x', { type: 'file', data: { out: '/nonexistent/x' } }),
      "Failed to add chardev 'x': Could not open '/nonexistent/x': No such file or directory",
    ],
    [
      () => add('x', { type: 'file', data: { out: '/dev/fdset/7' } }),
      "Failed to add chardev 'x': Could not open '/dev/fdset/7': No such file or directory",
    ],
    [() => execute(machine, 'chardev-remove', { id: 'zz' }), "Chardev 'zz' not found"],
    [() => execute(machine, 'chardev-remove', { id: 'n' }), "Chardev 'n' is busy"],
    [() => execute(machine, 'chardev-send-break', { id: 'zz' }), "Chardev 'zz' not found"],
    [() => execute(machine, 'ringbuf-read', { device: 'zz', size: 1 }), "Device 'zz' not found"],
    [() => execute(machine, 'ringbuf-read', { device: 'n', size: 1 }), 'n is not a ringbuf device'],
  ] as const;
  for (const [act, message] of refusals) {
    await assert.rejects(act(), { errorClass: 'GenericError', message });
  }
  assert.equal(((await execute(machine, 'query-chardev')) as unknown[]).length, 2);
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
        endpoint: { type: 'unix', path },
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

test('a log file keeps what is written, with and without a client', async () => {
  const path = join(folder, 'logged');
  const logfile = join(folder, 'log');
  const machine = await createTestMachine();
  await execute(machine, 'chardev-add', {
    id: 's',
    backend: { type: 'socket', data: { ...unix(path).data, logfile } },
  });
  machine.machine.chardevs.connectSerial('s', machine.machine.hardware.serial);
  guestSends(machine, 'alone, ');
  const reader = await client(machine, path);
  guestSends(machine, 'together');
  await machine.clock.advanceUntil(() => reader.received() === 'together');
  reader.socket.destroy();
  await machine.close();
  assert.equal(readFileSync(logfile, 'utf8'), 'alone, together');
});

test('datagrams go where they are sent, and come from there', async () => {
  const machine = await createTestMachine();
  const peer = createSocket('udp4');
  await new Promise<void>((resolve) => peer.bind(0, '127.0.0.1', resolve));
  const received: { text: string; port: number }[] = [];
  peer.on('message', (message, { port }) => received.push({ text: message.toString(), port }));
  const remote = { type: 'inet', data: { host: '127.0.0.1', port: String(peer.address().port) } };
  await execute(machine, 'chardev-add', { id: 'u', backend: { type: 'udp', data: { remote } } });
  machine.machine.chardevs.connectSerial('u', machine.machine.hardware.serial);
  guestSends(machine, 'a');
  await machine.clock.advanceUntil(() => received.length === 1);
  assert.equal(received[0]!.text, 'a');
  peer.close();
  await machine.close();
});

test('pipes are read and written', async () => {
  const device = join(folder, 'pipe');
  execFileSync('mkfifo', [`${device}.in`, `${device}.out`]);
  const machine = await createTestMachine();
  await execute(machine, 'chardev-add', { id: 'p', backend: { type: 'pipe', data: { device } } });
  machine.machine.chardevs.connectSerial('p', machine.machine.hardware.serial);
  const out = openSync(`${device}.out`, constants.O_RDONLY | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(16);
  const read = (): string => {
    try {
      return buffer.toString('utf8', 0, readSync(out, buffer));
    } catch {
      return '';
    }
  };
  guestSends(machine, 'x');
  let text = '';
  await machine.clock.advanceUntil(() => {
    text += read();
    return text === 'x';
  });
  closeSync(out);
  await machine.close();
});

test('whoever opens the path of a terminal is its client, one after the other', {
  skip: native === undefined,
}, async () => {
  const machine = await createTestMachine();
  const { pty: path } = (await execute(machine, 'chardev-add', {
    id: 't',
    backend: { type: 'pty', data: {} },
  })) as { pty: string };
  assert.match(path, /^\/dev\/pts\/\d+$/);
  const [shown] = (await execute(machine, 'query-chardev')) as { filename: string }[];
  assert.equal(shown!.filename, `pty:${path}`);
  machine.machine.chardevs.connectSerial('t', machine.machine.hardware.serial);
  guestSends(machine, 'lost');
  const buffer = Buffer.alloc(16);
  for (const text of ['one', 'two']) {
    const side = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
    const read = (): string => {
      try {
        return buffer.toString('utf8', 0, readSync(side, buffer));
      } catch {
        return '';
      }
    };
    // It is looked for somebody once a second.
    await machine.clock.advance(1100);
    guestSends(machine, text);
    let received = '';
    await machine.clock.advanceUntil(() => {
      received += read();
      return received === text;
    });
    closeSync(side);
    await machine.clock.advance(100);
  }
  await machine.close();
});

test('a passed descriptor that is no socket is closed, and stays with the monitor where it was not looked at', {
  skip: native === undefined ? 'the addon is not there' : false,
}, async (t) => {
  const machine = await createTestMachine();
  t.after(() => machine.close());
  const path = join(folder, 'passing');
  await execute(machine, 'chardev-add', { id: 'passing', backend: unix(path) });
  await machine.machine.openMonitors({ chardev: 'passing', mode: 'control', pretty: false });
  const transport = await connectTransport({ kind: 'unix', path }, { native });
  const client = await QmpClient.connect(transport, { clock: machine.clock, native });
  t.after(() => client.close());
  const before = readdirSync('/proc/self/fd').length;
  const fd = openSync('/dev/null', 'r');
  await client.execute('getfd', { fdname: 'file' }, { fds: [{ fd, handOver: true }] });
  const add = (more: object) =>
    client.execute('chardev-add', {
      id: 'x',
      backend: {
        type: 'socket',
        data: { addr: { type: 'fd', data: { str: 'file' } }, server: false, ...more },
      },
    });
  await assert.rejects(add({ wait: true }), /'wait' option is incompatible with socket in client/);
  await assert.rejects(add({ reconnect: 0 }), /'reconnect' option is incompatible with 'fd' address type/);
  await assert.rejects(add({}), /File descriptor 'file' is not a socket/);
  await assert.rejects(client.execute('closefd', { fdname: 'file' }), /named 'file' not found/);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
