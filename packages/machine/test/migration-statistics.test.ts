import assert from 'node:assert/strict';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { MachinePair } from './support/machine-pair.js';
import { device, execute, type TestMachine } from './support/test-machine.js';

interface DeviceStats {
  readonly transferred: number;
  readonly downtime?: number;
  readonly 'device-state': string;
  readonly 'initial-bytes': number;
  readonly 'dirty-bytes': number;
  readonly 'stop-copy-bytes': number;
  readonly transitions: readonly {
    readonly from: string;
    readonly to: string;
    readonly start: number;
    readonly duration: number;
  }[];
}

interface Info {
  readonly status: string;
  readonly ram: Readonly<Record<string, number>>;
  readonly vfio: { readonly transferred: number };
  readonly 'vfio-devices': readonly DeviceStats[];
  readonly 'total-time': number;
  readonly 'setup-time': number;
  readonly downtime: number;
}

async function query(machine: TestMachine): Promise<Info> {
  return (await execute(machine, 'query-migrate')) as Info;
}

/** Counts the bytes between the machines. */
async function counted(
  context: TestContext,
  pair: MachinePair,
): Promise<{ readonly uri: string; bytes(): number }> {
  let bytes = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection(pair.uri.slice('unix:'.length));
    near.on('data', (chunk) => {
      bytes += chunk.length;
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { uri: `tcp:127.0.0.1:${port}`, bytes: () => bytes };
}

/** Milliseconds of every step that takes time here; all else is instant on a virtual clock. */
const SLOW = {
  'latency-running-to-pre-copy': 30,
  'latency-pre-copy-to-pre-copy-p2p': 7,
  'latency-pre-copy-p2p-to-stop-copy': 11,
};
const LOADING_MS = 50;

test('every figure of query-migrate is what really happened', async (context) => {
  const pair = await MachinePair.create(context, {
    devices: [device('a', SLOW), device('b')],
    destinationDevices: [device('a', { 'latency-resuming-to-stop': LOADING_MS }), device('b')],
  });
  const { source, destination, clock } = pair;
  const passes: string[] = source.events;
  await execute(destination, 'migrate-incoming', { uri: pair.uri });
  const { uri, bytes } = await counted(context, pair);
  const times = new Map<string, number>();
  source.client.on('MIGRATION', ({ data }) => {
    times.set(String((data as { status: string }).status), clock.now());
  });
  source.client.on('STOP', () => times.set('STOP', clock.now()));
  await execute(source, 'migrate', { uri });
  await pair.ended();
  const info = await query(source);
  const { ram, vfio } = info;
  const devices = info['vfio-devices'];
  const elapsed = (from: string, to: string) => times.get(to)! - times.get(from)!;

  assert.equal(info.status, 'completed');
  assert.equal(info['total-time'], elapsed('setup', 'completed'));
  assert.equal(info['setup-time'], elapsed('setup', 'active'));
  // The vCPUs stop before the devices do: their transitions are part of the downtime, before STOP is reported.
  assert.equal(info.downtime, elapsed('STOP', 'completed') + 18);
  assert.equal(ram.total, 8 << 20);
  assert.equal(ram['page-size'], 4096);
  assert.equal(ram.remaining, 0);
  assert.equal(ram['normal-bytes'], ram.normal! * 4096);
  assert.ok(ram.normal! + ram.duplicate! >= 2048);
  // The rest is what tells which bytes are which.
  const contents = ram['precopy-bytes']! + ram['downtime-bytes']! + vfio.transferred;
  assert.ok(contents < ram.transferred! && contents > ram.transferred! - 8 * 1024, `${contents} bytes`);
  assert.equal(ram['dirty-sync-count'], passes.filter((event) => event === 'MIGRATION_PASS').length);
  // What the relay between the two has counted.
  const total = bytes();
  assert.ok(ram.transferred === total, `${ram.transferred} of ${total}`);
  assert.equal(
    vfio.transferred,
    devices.reduce((sum, { transferred }) => sum + transferred, 0),
  );
  const received = (await query(destination))['vfio-devices'];
  assert.deepEqual(
    received.map(({ transferred }) => transferred),
    devices.map(({ transferred }) => transferred),
  );
  for (const each of devices) {
    assert.deepEqual(
      [each['initial-bytes'], each['dirty-bytes'], each['stop-copy-bytes'], each['device-state']],
      [0, 0, 0, 'stop'],
    );
  }
  assert.deepEqual(
    devices.map(({ downtime }) => downtime),
    [18, 0],
  );
  assert.deepEqual(
    devices[0]!.transitions.map(({ from, to, duration }) => [from, to, duration]),
    [
      ['running', 'pre-copy', 30_000],
      ['pre-copy', 'pre-copy-p2p', 7_000],
      ['pre-copy-p2p', 'stop-copy', 11_000],
      ['stop-copy', 'stop', 0],
    ],
  );
  assert.deepEqual(
    received[0]!.transitions.map(({ from, to, duration }) => [from, to, duration]),
    [
      ['stop', 'resuming', 0],
      ['resuming', 'stop', LOADING_MS * 1000],
      ['stop', 'running-p2p', 0],
      ['running-p2p', 'running', 0],
    ],
  );
  const text = (await execute(source, 'human-monitor-command', { 'command-line': 'info vfio' })) as string;
  assert.match(
    text,
    /^\/machine\/peripheral\/a: stop\r\n {2}sent: [\d.]+ [KM]iB\r\n {2}downtime: 18 of \d+ ms\r\n/,
  );
  assert.match(text, /\r\n {8}at ms {7}took ms {2}transition\r\n/);
  assert.match(text, /\r\n +[\d.]+ {9}7\.000 {2}pre-copy -> pre-copy-p2p\r\n/);
});

test('while it runs query-migrate says what is left of every device', async (context) => {
  const pair = await MachinePair.create(context, {
    devices: [device('d', { 'state-size': 4 << 20, 'dirty-rate': 8 << 20 })],
    destinationDevices: [device('d', { 'state-size': 4 << 20 })],
  });
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 1 << 20, 'downtime-limit': 0 });
  await pair.start();
  await pair.until(pair.source, 'MIGRATION active');
  let initial = 4 << 20;
  for (let turn = 0; turn < 5; turn++) {
    await pair.clock.advance(500);
    const [stats] = (await query(pair.source))['vfio-devices'];
    assert.equal(stats!['device-state'], 'pre-copy');
    assert.ok(stats!['initial-bytes'] <= initial);
    assert.ok(stats!['stop-copy-bytes'] >= stats!['initial-bytes'] + stats!['dirty-bytes']);
    initial = stats!['initial-bytes'];
  }
  const text = (await execute(pair.source, 'human-monitor-command', {
    'command-line': 'info vfio',
  })) as string;
  assert.match(text, /: pre-copy\r\n {2}sent: .*\r\n {2}left: .* initial, .* dirty; stopped now .*\r\n/);
  await execute(pair.source, 'migrate_cancel');
  await pair.ended();
});
