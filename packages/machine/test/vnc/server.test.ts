import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMemoryTransports, StreamTransport } from '@godwit/qmp';
import fc from 'fast-check';
import type { VncConfiguration } from '../../src/vnc/index.js';
import { DEFAULT_FORMAT, writePixelFormat } from '../../src/vnc/pixel-format.js';
import { createTestMachine, execute, type TestMachine } from '../support/test-machine.js';
import { TestViewer } from './viewer.js';

const SERVER: VncConfiguration = {
  id: 'default',
  password: false,
  share: 'allow-exclusive',
  connections: 32,
};
const PEER = { kind: 'unix', path: '' } as const;

const machineWith = (vnc: Partial<VncConfiguration> = {}) =>
  createTestMachine({ name: 'vm1', vnc: [{ ...SERVER, ...vnc }] });

/** A client that is connected and has said nothing. */
function viewerOf({ machine }: TestMachine, skipSecurity = false): TestViewer {
  const [near, far] = createMemoryTransports();
  machine.vnc!.find()!.accept(near, PEER, skipSecurity);
  return new TestViewer(far);
}

async function openViewer(machine: TestMachine, shared = true): Promise<TestViewer> {
  const viewer = viewerOf(machine);
  await viewer.authenticate('RFB 003.008\n');
  await viewer.initialize(shared);
  return viewer;
}

/** What a query returns, as plain objects. */
const query = async (machine: TestMachine, command: string): Promise<unknown> =>
  JSON.parse(JSON.stringify(await execute(machine, command)));

const rows = ({ machine }: TestMachine): string[] => machine.vnc!.console.display.text();

for (const version of ['RFB 003.003\n', 'RFB 003.005\n', 'RFB 003.007\n', 'RFB 003.008\n']) {
  test(`a viewer of version ${version.slice(4, 11)} gets in, with and without a password`, async () => {
    const open = await machineWith();
    const viewer = viewerOf(open);
    assert.equal(await viewer.authenticate(version), true);
    await viewer.initialize();
    assert.deepEqual([viewer.width, viewer.height, viewer.title], [640, 400, 'Godwit (vm1)']);
    assert.deepEqual(viewer.format, DEFAULT_FORMAT);
    await open.close();

    const locked = await machineWith({ password: true });
    await execute(locked, 'set_password', { protocol: 'vnc', password: 'secret' });
    const knowing = viewerOf(locked);
    assert.equal(await knowing.authenticate(version, 'secret'), true);
    await knowing.initialize();
    const guessing = viewerOf(locked);
    assert.equal(await guessing.authenticate(version, 'guess'), false);
    const reason = (await guessing.untilClosed()).toString('latin1');
    assert.equal(reason, version === 'RFB 003.008\n' ? '\0\0\0\x16Authentication failed\0' : '');
    await locked.close();
  });
}

test('nobody gets in before a password is set, or when it has expired, but who was passed with skipauth', async () => {
  const machine = await machineWith({ password: true });
  const tries = async (password: string) => {
    const viewer = viewerOf(machine);
    const in_ = await viewer.authenticate('RFB 003.008\n', password);
    viewer.close();
    return in_;
  };
  assert.equal(await tries(''), false);
  await execute(machine, 'change-vnc-password', { password: 'abc' });
  assert.equal(await tries('abc'), true);
  await execute(machine, 'expire_password', { protocol: 'vnc', time: '+60' });
  assert.equal(await tries('abc'), true);
  await machine.clock.advance(61_000);
  assert.equal(await tries('abc'), false);
  await execute(machine, 'expire_password', { protocol: 'vnc', time: 'never' });
  assert.equal(await tries('abc'), true);
  for (const time of ['now', '0', 'tomorrow', '-5', '1600000000']) {
    await execute(machine, 'expire_password', { protocol: 'vnc', time });
    assert.equal(await tries('abc'), false, time);
  }
  const passed = viewerOf(machine, true);
  assert.equal(await passed.authenticate('RFB 003.008\n'), true);
  await machine.close();
});

test('a viewer sees all at first, and then what has changed', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  viewer.setEncodings(16, -239, -223);
  viewer.request(false);
  const first = await viewer.update();
  assert.deepEqual(
    first.map(({ encoding, x, y, width, height }) => [encoding, x, y, width, height]),
    [
      [-239, 3, 7, 7, 14],
      [16, 0, 0, 640, 400],
    ],
  );
  viewer.request(true);
  await machine.clock.advance(5000);
  assert.equal(viewer.available, 0);
  machine.machine.hardware.terminal.output(Buffer.from('hello'));
  await machine.clock.advance(30);
  const [change, ...others] = await viewer.update();
  assert.deepEqual([change!.x, change!.y, change!.width, change!.height, others], [0, 32, 48, 16, []]);
  await machine.close();
});

test('the console shows what the guest writes, and the status line keeps up', async () => {
  const machine = await createTestMachine({
    vnc: [SERVER],
    memory: 1 << 20,
    accelerator: { dirtyRate: 1 << 20, workingSet: 1 << 18 },
  });
  const viewer = await openViewer(machine);
  await machine.clock.advance(1000);
  assert.match(rows(machine)[0]!, /^Godwit machine: 1 vCPU, 1 MiB of RAM/);
  assert.ok(rows(machine).some((row) => /^vcpu 0: pass 2, 64 pages, no faults$/.test(row)));
  assert.match(rows(machine).at(-1)!, /^ godwit \| running \| [1-9]\d* pages written \| no faults$/);
  await execute(machine, 'stop');
  await machine.clock.advance(1000);
  assert.match(rows(machine).at(-1)!, / \| paused \| /);
  viewer.close();
  await machine.close();
});

test('keys reach the guest, which echoes them; those typed while it is paused wait', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  const type = async (text: string) => {
    for (const character of text) viewer.press(character.charCodeAt(0));
    await machine.clock.advance(1000);
  };
  await type('ls');
  viewer.press(0xff0d);
  await type('x');
  viewer.press(0xff08);
  await type('y');
  assert.deepEqual(rows(machine).slice(2, 4), ['ls', 'y']);
  await execute(machine, 'stop');
  await type('z');
  assert.equal(rows(machine)[3], 'y');
  await execute(machine, 'cont');
  await machine.clock.advance(100);
  assert.equal(rows(machine)[3], 'yz');
  await machine.close();
});

test('keys with their scan codes are taken from a viewer that can send them', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  viewer.setEncodings(0, -258);
  viewer.request(false);
  const [keys, all, ...none] = await viewer.update();
  assert.deepEqual([keys!.encoding, all!.encoding, none], [-258, 0, []]);
  // The key a, down and up.
  for (const down of [1, 0]) viewer.send(Buffer.from([255, 0, 0, down, 0, 0, 0, 0x61, 0, 0, 0, 0x1e]));
  await machine.clock.advance(100);
  assert.equal(rows(machine)[2], 'a');
  await machine.close();
});

test('a viewer has power over the machine where the server lets it', async () => {
  const machine = await machineWith({ powerControl: true });
  const viewer = await openViewer(machine);
  viewer.setEncodings(0, -309);
  const offer = [250, 0, 1, 1];
  assert.deepEqual([...(await viewer.take(4))], offer);
  viewer.send(250, 0, 1, 2);
  await machine.clock.advanceUntil(() => machine.events.includes('POWERDOWN'));
  viewer.send(250, 0, 1, 4);
  await machine.clock.advanceUntil(() => machine.events.includes('RESET'));
  for (const unknown of [
    [1, 3],
    [1, 9],
    [2, 4],
  ]) {
    viewer.send(250, 0, ...unknown);
    assert.deepEqual([...(await viewer.take(4))], [250, 0, 1, 0]);
  }
  await machine.close();
  const without = await machineWith();
  const powerless = await openViewer(without);
  powerless.setEncodings(0, -309);
  powerless.send(250, 0, 1, 4);
  assert.equal((await powerless.untilClosed()).length, 0);
  assert.equal(without.events.includes('RESET'), false);
  await without.close();
});

test('a reset clears the screen', async () => {
  const machine = await machineWith();
  machine.machine.hardware.terminal.output(Buffer.from('old text'));
  await execute(machine, 'system_reset');
  await machine.clock.advance(10);
  assert.equal(rows(machine)[2], '');
  assert.match(rows(machine)[0]!, /^Godwit machine vm1/);
  await machine.close();
});

test('a viewer that can follows another size; one that cannot goes on with its part', async () => {
  const machine = await machineWith();
  const following = await openViewer(machine);
  following.setEncodings(5, -223);
  const staying = await openViewer(machine);
  for (const viewer of [following, staying]) {
    viewer.request(false);
    await viewer.update();
    viewer.request(true);
  }
  machine.machine.hardware.terminal.output(Buffer.from('\x1b[?3hwide'));
  await machine.clock.advance(30);
  const [resize, ...none] = await following.update();
  assert.deepEqual([resize!.encoding, resize!.width, resize!.height, none], [-223, 1056, 400, []]);
  following.request(true);
  const [wide] = await following.update();
  assert.deepEqual([wide!.encoding, wide!.width, wide!.height], [5, 1056, 400]);
  const [part] = await staying.update();
  assert.deepEqual([part!.encoding, part!.width, part!.height], [0, 640, 400]);
  await machine.close();
});

test('a viewer without true colours is sent the colour map', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  viewer.setFormat({ ...DEFAULT_FORMAT, bitsPerPixel: 8, depth: 8, trueColour: false });
  const map = await viewer.take(6 + 6 * 16);
  assert.deepEqual([map[0], map.readUInt16BE(2), map.readUInt16BE(4)], [1, 0, 16]);
  viewer.request(false);
  const [all] = await viewer.update();
  assert.ok(all!.pixels.every((pixel) => pixel < 16));
  await machine.close();
});

test('for a viewer that does not read, one update waits, and the machine goes on', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  viewer.pause();
  for (let count = 0; count < 200; count++) {
    viewer.request(false);
    machine.machine.hardware.terminal.output(Buffer.from(`line ${count}\r\n`));
    await machine.clock.advance(30);
  }
  viewer.resume();
  const size = 4 + 12 + 640 * 400 * 4;
  await machine.clock.advance(1);
  assert.equal((await viewer.take(size)).length, size);
  // What came meanwhile is one more, of the screen as it is now.
  const rest = await viewer.update();
  assert.ok(rest.length > 0);
  assert.equal(viewer.available, 0);
  await machine.close();
});

test('a viewer that asks for much and reads nothing is sent away', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  viewer.pause();
  // Each message asks for a colour map of a hundred bytes.
  const message = Buffer.concat([
    Buffer.alloc(4),
    writePixelFormat({ ...DEFAULT_FORMAT, trueColour: false }),
  ]);
  viewer.send(Buffer.concat(Array.from({ length: 50_000 }, () => message)));
  await machine.clock.advance(1);
  viewer.resume();
  await viewer.untilClosed();
  assert.deepEqual(await query(machine, 'query-vnc-servers'), [
    { id: 'default', server: [], clients: [], auth: 'none' },
  ]);
  await machine.close();
});

test('a handshake that hangs is ended after ten seconds, an established viewer may be silent for long', async () => {
  const machine = await machineWith();
  const silent = viewerOf(machine);
  const halfway = viewerOf(machine);
  await halfway.authenticate('RFB 003.008\n');
  const idle = await openViewer(machine);
  await machine.clock.advance(9_000);
  assert.deepEqual([silent.closed, halfway.closed], [false, false]);
  await machine.clock.advance(1_001);
  assert.deepEqual([silent.closed, halfway.closed], [true, true]);
  await machine.clock.advance(3_600_000);
  assert.equal(idle.closed, false);
  await machine.close();
});

const NONSENSE: readonly (readonly [string, Uint8Array])[] = [
  ['an unknown message', Uint8Array.of(99)],
  ['an unknown message of the extensions', Uint8Array.of(255, 7)],
  ['an impossible pixel format', Uint8Array.of(0, 0, 0, 0, 24, 24, 0, 1, ...new Uint8Array(12))],
  ['a text to paste that is too long', Uint8Array.of(6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff)],
];

test('nonsense is answered by a close', async () => {
  const machine = await machineWith();
  for (const garbage of ['GET / HTTP/1.1\r\n\r\n', 'rfb 003.008\n', '\0'.repeat(12)]) {
    const viewer = viewerOf(machine);
    viewer.send(Buffer.from(garbage));
    assert.equal((await viewer.untilClosed()).toString(), 'RFB 003.008\n');
  }
  for (const version of ['RFB 002.008\n', 'RFB 003.006\n', 'RFB 003.889\n', 'RFB 004.001\n']) {
    const viewer = viewerOf(machine);
    viewer.send(Buffer.from(version));
    assert.equal((await viewer.untilClosed()).toString(), 'RFB 003.008\n\0\0\0\0', version);
  }
  const choosing = viewerOf(machine);
  choosing.send(Buffer.from('RFB 003.008\n'), 16);
  assert.match((await choosing.untilClosed()).toString('latin1'), /Authentication failed\0$/);
  for (const [name, bytes] of NONSENSE) {
    const viewer = await openViewer(machine);
    viewer.send(bytes);
    assert.equal((await viewer.untilClosed()).length, 0, name);
  }
  const { clients } = ((await query(machine, 'query-vnc-servers')) as { clients: unknown[] }[])[0]!;
  assert.deepEqual(clients, []);
  await machine.close();
});

test('any bytes after the handshake are survived', async () => {
  const machine = await machineWith();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), async (chunks) => {
      const viewer = await openViewer(machine);
      for (const chunk of chunks) viewer.send(chunk);
      await machine.clock.advance(31);
      viewer.close();
    }),
    { numRuns: 40 },
  );
  const viewer = await openViewer(machine);
  viewer.request(false);
  assert.equal((await viewer.update()).length, 1);
  await machine.close();
});

test('texts to paste are skipped, and the pointer does nothing', async () => {
  const machine = await machineWith();
  const viewer = await openViewer(machine);
  const cut = Buffer.alloc(8 + 100_000, 'x');
  cut.set([6, 0, 0, 0]);
  cut.writeUInt32BE(100_000, 4);
  viewer.send(cut, Uint8Array.of(5, 1, 0, 10, 0, 10));
  viewer.press(0x61);
  await machine.clock.advance(100);
  assert.equal(rows(machine)[2], 'a');
  await machine.close();
});

test('who asks to be alone sends the others away, and nobody joins', async () => {
  const machine = await machineWith();
  const first = await openViewer(machine);
  const alone = await openViewer(machine, false);
  await first.untilClosed();
  const third = viewerOf(machine);
  await third.authenticate('RFB 003.008\n');
  third.send(1);
  await third.untilClosed();
  assert.equal(alone.closed, false);
  const usurper = await openViewer(machine, false);
  await alone.untilClosed();
  assert.equal(usurper.closed, false);
  await machine.close();
});

test('with force-shared nobody can be alone, with ignore it makes no difference', async () => {
  const shared = await machineWith({ share: 'force-shared' });
  const first = await openViewer(shared);
  const alone = viewerOf(shared);
  await alone.authenticate('RFB 003.008\n');
  alone.send(0);
  await alone.untilClosed();
  assert.equal(first.closed, false);
  await shared.close();

  const open = await machineWith({ share: 'ignore' });
  const viewers = [await openViewer(open), await openViewer(open, false), await openViewer(open)];
  await open.clock.advance(10);
  assert.deepEqual(
    viewers.map(({ closed }) => closed),
    [false, false, false],
  );
  await open.close();
});

test('no more viewers get in than there may be, and no more wait in the handshake', async () => {
  const machine = await machineWith({ connections: 2 });
  await openViewer(machine);
  await openViewer(machine);
  const third = viewerOf(machine);
  await third.authenticate('RFB 003.008\n');
  third.send(1);
  await third.untilClosed();
  const waiting = [viewerOf(machine), viewerOf(machine), viewerOf(machine)];
  await waiting[0]!.untilClosed();
  assert.deepEqual([waiting[1]!.closed, waiting[2]!.closed], [false, false]);
  await machine.close();
});

test('over a socket: queries, events, a path that goes, and no descriptor left', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-vnc-'));
  const path = join(folder, 'vnc');
  const before = readdirSync('/proc/self/fd').length;
  const machine = await machineWith({ address: { kind: 'unix', path } });
  const end = { host: '', family: 'unix', websocket: false };
  assert.deepEqual(await query(machine, 'query-vnc'), {
    enabled: true,
    host: '',
    family: 'unix',
    service: path,
    auth: 'none',
    clients: [],
  });
  const socket = connect(path);
  const viewer = new TestViewer(new StreamTransport({ input: socket, output: socket }));
  await viewer.authenticate('RFB 003.008\n');
  await viewer.initialize();
  viewer.setEncodings(16);
  viewer.request(false);
  assert.equal((await viewer.update())[0]!.width, 640);
  assert.deepEqual(await query(machine, 'query-vnc-servers'), [
    {
      id: 'default',
      server: [{ ...end, service: path, auth: 'none' }],
      clients: [{ ...end, service: '' }],
      auth: 'none',
    },
  ]);
  assert.equal(
    await execute(machine, 'human-monitor-command', { 'command-line': 'info vnc' }),
    `default:\r\n  Server: :${path} (unix)\r\n    Auth: none (Sub: none)\r\n  Client: : (unix)\r\n    x509_dname: none\r\n    sasl_username: none\r\n`,
  );
  viewer.close();
  await machine.clock.advanceUntil(() => machine.events.includes('VNC_DISCONNECTED'));
  assert.deepEqual(machine.events.slice(-3), ['VNC_CONNECTED', 'VNC_INITIALIZED', 'VNC_DISCONNECTED']);
  await machine.close();
  assert.deepEqual(readdirSync(folder), []);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  assert.equal(machine.clock.pendingTimers, 0);
  rmSync(folder, { recursive: true });
});

test('over tcp, the next free port is taken where `to` allows it', async () => {
  const first = await machineWith({
    address: { kind: 'tcp', host: 'localhost', port: 47_911, lastPort: 47_911 },
  });
  const { host, port } = { host: '127.0.0.1', port: 47_911 };
  const second = await machineWith({ address: { kind: 'tcp', host, port, lastPort: port + 20 } });
  const info = (await query(second, 'query-vnc')) as { host: string; service: string; family: string };
  assert.deepEqual([info.host, info.family], ['127.0.0.1', 'ipv4']);
  assert.ok(Number(info.service) > port);
  assert.deepEqual(second.warnings, [`VNC server running on 127.0.0.1:${info.service}`]);
  await assert.rejects(
    machineWith({ source: '-vnc x', address: { kind: 'tcp', host, port, lastPort: port } }),
    /^OptionError: -vnc x: Failed to find an available port: Address already in use$/,
  );
  await first.close();
  await second.close();
});

test('a server that asks for no password takes none, and tells people how it would', async () => {
  const machine = await machineWith();
  const set = { protocol: 'vnc', password: 'x' };
  await assert.rejects(execute(machine, 'set_password', set), /^QmpCommandError: Could not set password$/);
  assert.equal(
    await execute(machine, 'human-monitor-command', { 'command-line': 'set_password vnc x' }),
    `If you want use passwords please enable password auth using '-vnc \${dpy},password'.\r\nError: Could not set password\r\n`,
  );
  await machine.close();
});

test('a machine without a VNC server says so', async () => {
  const machine = await createTestMachine();
  assert.deepEqual(await query(machine, 'query-vnc'), { enabled: false });
  assert.deepEqual(await query(machine, 'query-vnc-servers'), []);
  await assert.rejects(
    execute(machine, 'set_password', { protocol: 'vnc', password: 'x' }),
    /Could not set password/,
  );
  await assert.rejects(
    execute(machine, 'expire_password', { protocol: 'vnc', time: 'now' }),
    /Could not set password expire time/,
  );
  await machine.close();
});
