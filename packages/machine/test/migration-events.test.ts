import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import type { ObjectConfiguration } from '../src/index.js';
import {
  createTestMachine,
  device,
  execute,
  type TestMachine,
  type TestMachineOptions,
} from './support/test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

interface Pair {
  readonly clock: VirtualClock;
  readonly source: TestMachine;
  readonly destination: TestMachine;
  close(): Promise<void>;
}

interface PairOptions {
  readonly devices: readonly ObjectConfiguration[];
  readonly destinationDevices?: readonly ObjectConfiguration[];
  readonly source?: TestMachineOptions;
  readonly destination?: TestMachineOptions;
}

async function pair({
  devices,
  destinationDevices = devices,
  source,
  destination,
}: PairOptions): Promise<Pair> {
  const clock = new VirtualClock(1_700_000_000_000_000);
  const from = await createTestMachine({ clock, devices, ...source });
  const to = await createTestMachine({
    clock,
    devices: destinationDevices,
    incoming: 'defer',
    ...destination,
  });
  return {
    clock,
    source: from,
    destination: to,
    async close() {
      await from.close();
      await to.close();
      assert.deepEqual(readdirSync(folder), [], 'no socket is left');
    },
  };
}

const ENDED = new Set(['MIGRATION completed', 'MIGRATION failed', 'MIGRATION cancelled']);

/** Migrates and returns what the two clients see. */
async function migrate({
  clock,
  source,
  destination,
}: Pair): Promise<{ source: string[]; destination: string[] }> {
  const uri = `unix:${join(folder, 'migration')}`;
  const start = [source.events.length, destination.events.length] as const;
  await execute(destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
  const seen = () => ({
    source: source.events.slice(start[0]),
    destination: destination.events.slice(start[1]),
  });
  await clock.advanceUntil(() =>
    Object.values(seen()).every((events) => events.some((event) => ENDED.has(event))),
  );
  await clock.advance(10);
  return seen();
}

test('a destination that was started with -S waits for cont with its devices resumed', async () => {
  const machines = await pair({ devices: [device('d')], destination: { startStopped: true } });
  const seen = await migrate(machines);
  assert.deepEqual(seen.destination, [
    'MIGRATION setup',
    'MIGRATION active',
    'd resuming',
    'MIGRATION completed',
  ]);
  assert.equal(machines.destination.machine.guest.runState, 'paused');
  const earlier = machines.destination.events.length;
  await execute(machines.destination, 'cont');
  await machines.clock.advance(1);
  assert.deepEqual(machines.destination.events.slice(earlier), ['RESUME', 'd running-p2p', 'd running']);
  await machines.close();
});

test('a paused guest migrates and stays paused', async () => {
  const machines = await pair({ devices: [device('d')] });
  await execute(machines.source, 'stop');
  const seen = await migrate(machines);
  assert.deepEqual(
    seen.source.filter((event) => event.startsWith('d ')),
    ['d stop-copy', 'd stop'],
  );
  assert.ok(!seen.destination.includes('RESUME'));
  assert.equal(machines.destination.machine.guest.runState, 'paused');
  await machines.close();
});

/** The source's events from the last state before the end on. */
function tail(events: readonly string[], from: string): string[] {
  const plain = events.filter((event) => event !== 'MIGRATION_PASS');
  return plain.slice(plain.indexOf(from));
}

test('a destination whose device refuses its state while the guest runs fails, and the source runs on', async () => {
  const machines = await pair({
    devices: [device('d')],
    destinationDevices: [device('d', { 'fail-write-at': 100 })],
  });
  await execute(machines.source, 'migrate-set-parameters', {
    'max-bandwidth': 64 * 1024,
    'downtime-limit': 0,
  });
  const seen = await migrate(machines);
  assert.deepEqual(tail(seen.source, 'MIGRATION active').slice(-2), ['MIGRATION failed', 'd running']);
  assert.equal(machines.source.machine.guest.runState, 'running');
  assert.equal(machines.destination.machine.guest.runState, 'inmigrate');
  await machines.close();
});

test('a migration that fails after the switchover gives the guest back to the source', async () => {
  const machines = await pair({
    devices: [device('d', { 'pre-copy': false })],
    destinationDevices: [device('d', { 'pre-copy': false, 'fail-arc': 'resuming->stop' })],
  });
  const seen = await migrate(machines);
  assert.deepEqual(tail(seen.source, 'd stop-copy'), [
    'd stop-copy',
    'MIGRATION failed',
    'RESUME',
    'd running-p2p',
    'd running',
  ]);
  assert.ok(!seen.destination.includes('RESUME'));
  assert.equal(machines.source.machine.guest.runState, 'running');
  assert.deepEqual(await machines.destination.machine.ended, { reason: 'host-error', exitCode: 1 });
  await machines.close();
});

test('a migration that is cancelled while it iterates leaves the guest with the source', async () => {
  const machines = await pair({
    // Writes its state faster than the migration may send it.
    devices: [device('d', { 'dirty-rate': 64 * 1024 ** 2 })],
  });
  const { source, destination, clock } = machines;
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 1024 * 1024, 'downtime-limit': 0 });
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
  await clock.advanceUntil(() => source.events.includes('MIGRATION active'));
  await clock.advance(100);
  await execute(source, 'migrate_cancel');
  await clock.advanceUntil(() => source.events.includes('d running'));
  assert.deepEqual(tail(source.events, 'MIGRATION cancelling'), [
    'MIGRATION cancelling',
    'MIGRATION cancelled',
    'd running',
  ]);
  assert.equal(source.machine.guest.runState, 'running');
  await machines.close();
});

test('a migration that is yanked fails, and leaves the guest with the source', async () => {
  const machines = await pair({
    devices: [device('d', { 'dirty-rate': 64 * 1024 ** 2 })],
  });
  const { source, destination, clock } = machines;
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 1024 * 1024, 'downtime-limit': 0 });
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
  await clock.advanceUntil(() => source.events.includes('MIGRATION active'));
  await clock.advance(100);
  const [instance] = (await execute(source, 'query-yank')) as { type: string }[];
  assert.equal(instance?.type, 'migration');
  await execute(source, 'yank', { instances: [{ type: 'migration' }] });
  await clock.advanceUntil(() => source.events.includes('d running'));
  assert(source.events.includes('MIGRATION failed'));
  assert.equal(source.machine.guest.runState, 'running');
  assert.deepEqual(await execute(source, 'query-yank'), []);
  await machines.close();
});

test('devices without P2P block the migration of more than one', async () => {
  const machines = await pair({ devices: [device('a', { p2p: false }), device('b')] });
  await assert.rejects(execute(machines.source, 'migrate', { uri: 'unix:/x' }), {
    errorClass: 'GenericError',
    message: /Multiple VFIO devices migration is supported only if all of them support P2P migration/,
  });
  const info = (await execute(machines.source, 'query-migrate')) as { 'blocked-reasons': string[] };
  assert.equal(info['blocked-reasons'].length, 1);
  await machines.close();
});

test('machines that differ do not migrate, and both say in what', async () => {
  const machines = await pair({
    devices: [device('d')],
    destinationDevices: [device('e')],
    destination: { memory: 16 * 1024 ** 2 },
  });
  const seen = await migrate(machines);
  assert.equal(seen.source.at(-1), 'MIGRATION failed');
  const info = (await execute(machines.source, 'query-migrate')) as { 'error-desc': string };
  assert.match(info['error-desc'], /RAM size is 8388608 at the source, 16777216 at the destination/);
  assert.match(info['error-desc'], /device '\/machine\/peripheral\/d' is missing at the destination/);
  assert.match(machines.destination.warnings.join(), /RAM size is 8388608 at the source/);
  assert.equal(machines.source.machine.guest.runState, 'running');
  await machines.close();
});

test('migrate refuses what cannot begin', async () => {
  const machines = await pair({ devices: [] });
  const { source, destination } = machines;
  const refusals = [
    [source, 'migrate', {}, "need either 'uri' or 'channels' argument"],
    [source, 'migrate-continue', { state: 'pre-switchover' }, 'Migration not in expected state: none'],
    [source, 'migrate', { uri: 'foo' }, "Parameter 'uri' expects a valid migration protocol"],
    [source, 'migrate', { uri: 'unix:/x', resume: true }, 'Cannot resume if there is no paused migration'],
    [
      source,
      'migrate-incoming',
      { uri: 'tcp:127.0.0.1:0' },
      "'-incoming' was not specified on the command line",
    ],
    [destination, 'migrate-incoming', { uri: 'foo' }, 'unknown migration protocol: foo'],
    [destination, 'migrate-incoming', { uri: 'tcp::x' }, /^address resolution failed for :x/],
    [destination, 'migrate', { uri: 'unix:/x' }, 'Guest is waiting for an incoming migration'],
    [destination, 'migrate-incoming', { uri: 'unix:/nonexistent/x' }, /^Failed to bind socket to/],
  ] as const;
  for (const [machine, command, args, message] of refusals) {
    await assert.rejects(execute(machine, command, args), { errorClass: 'GenericError', message });
  }
  await machines.close();
});

test('a destination that nobody listens at is told by query-migrate, and another attempt may follow', async () => {
  const machines = await pair({ devices: [device('d')] });
  const { source, clock } = machines;
  await execute(source, 'migrate', { uri: `unix:${join(folder, 'nobody')}` });
  await clock.advanceUntil(() => source.events.includes('MIGRATION failed'));
  const info = (await execute(source, 'query-migrate')) as { status: string; 'error-desc': string };
  assert.equal(info.status, 'failed');
  assert.match(info['error-desc'], /^Failed to connect to '.*nobody'/);
  const seen = await migrate(machines);
  assert.equal(seen.source.at(-1), 'd stop');
  await machines.close();
});

test('a second migration is refused while one is under way', async () => {
  const machines = await pair({ devices: [device('d')] });
  const { source, destination } = machines;
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 1024, 'downtime-limit': 0 });
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(destination, 'migrate-incoming', { uri });
  await assert.rejects(execute(destination, 'migrate-incoming', { uri }), {
    message: 'The incoming migration has already been started',
  });
  await execute(source, 'migrate', { uri });
  await assert.rejects(execute(source, 'migrate', { uri }), {
    message: "There's a migration process in progress",
  });
  await assert.rejects(execute(source, 'device_del', { id: 'd' }), {
    message: 'device_del not allowed while migrating',
  });
  await machines.close();
});
