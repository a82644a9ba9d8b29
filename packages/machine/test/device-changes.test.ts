import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { JsonObject } from '@godwit/json';
import { MachinePair, type MachinePairOptions } from './support/machine-pair.js';
import { createTestMachine, device, eventsOf, execute, type TestMachine } from './support/test-machine.js';

const P2P = 'Multiple VFIO devices migration is supported only if all of them support P2P migration';
const DISABLED = 'Migration is disabled for VFIO device';
const UNSUPPORTED = 'VFIO migration is not supported in kernel';
const NO_TRACKING = "VFIO device doesn't support device and IOMMU dirty tracking";

async function add(machine: TestMachine, id: string, properties: JsonObject = {}): Promise<void> {
  await execute(machine, 'device_add', { driver: 'vfio-model', id, 'state-size': 65536, ...properties });
}

async function blockers(machine: TestMachine): Promise<readonly string[]> {
  const info = (await execute(machine, 'query-migrate')) as { 'blocked-reasons'?: string[] };
  return info['blocked-reasons'] ?? [];
}

test('blockers come and go with the devices that cause them', async () => {
  const machine = await createTestMachine();
  const steps: readonly (readonly [id: string, properties: JsonObject | 'gone', blockers: string[]])[] = [
    ['a', { p2p: false }, []],
    ['b', {}, [P2P]],
    ['c', { 'enable-migration': 'off' }, [P2P, `c: ${DISABLED}`]],
    ['d', { 'x-device-dirty-page-tracking': false }, [P2P, `c: ${DISABLED}`, `d: ${NO_TRACKING}`]],
    ['e', { migration: false }, [P2P, `c: ${DISABLED}`, `d: ${NO_TRACKING}`, `e: ${UNSUPPORTED}`]],
    ['c', 'gone', [P2P, `d: ${NO_TRACKING}`, `e: ${UNSUPPORTED}`]],
    ['a', 'gone', [`d: ${NO_TRACKING}`, `e: ${UNSUPPORTED}`]],
    // One that cannot follow the others' states counts among those that must support P2P, one that has none does not.
    ['a', { p2p: false }, [`d: ${NO_TRACKING}`, `e: ${UNSUPPORTED}`, P2P]],
    ['b', 'gone', [`d: ${NO_TRACKING}`, `e: ${UNSUPPORTED}`, P2P]],
    ['d', 'gone', [`e: ${UNSUPPORTED}`]],
    ['e', 'gone', []],
  ];
  for (const [id, properties, expected] of steps) {
    if (properties === 'gone') await execute(machine, 'device_del', { id });
    else await add(machine, id, properties);
    assert.deepEqual(await blockers(machine), expected, id);
    if (expected.length === 0) continue;
    await assert.rejects(execute(machine, 'migrate', { uri: 'unix:/nowhere' }), {
      message: expected.at(-1)!,
    });
  }
  await machine.close();
});

test('a v1 device, which has no P2P states, goes with no other that migrates', async () => {
  const machine = await createTestMachine();
  await add(machine, 'a', { protocol: 'v1' });
  assert.deepEqual(await blockers(machine), []);
  await add(machine, 'b', { 'enable-migration': 'off' });
  assert.deepEqual(await blockers(machine), [`b: ${DISABLED}`]);
  await execute(machine, 'device_del', { id: 'b' });
  await add(machine, 'c', { protocol: 'v2' });
  assert.deepEqual(await blockers(machine), [P2P]);
  await execute(machine, 'device_del', { id: 'a' });
  assert.deepEqual(await blockers(machine), []);
  await machine.close();
});

for (const [why, properties] of [
  ['is kept from migrating', { 'enable-migration': 'off' }],
  ['has no migration', { migration: false }],
] as const) {
  test(`a device that ${why} is left alone when the guest stops and starts, and tells of nothing`, async () => {
    const machine = await createTestMachine({
      devices: [
        device('d', { ...properties, 'migration-prepare-events': true }),
        device('e', { p2p: false }),
      ],
    });
    const state = () => machine.machine.tree.findDevice('d')?.get('migration-state');
    assert.deepEqual(await eventsOf(machine, 'stop'), ['e stop', 'STOP']);
    assert.equal(state(), 'running');
    assert.deepEqual(await eventsOf(machine, 'system_reset'), ['RESET']);
    assert.deepEqual(await eventsOf(machine, 'cont'), ['RESUME', 'e running']);
    const saved = await execute(machine, 'human-monitor-command', { 'command-line': 'savevm s' });
    assert.match(String(saved), /^Error: d: /);
    await machine.close();
  });
}

test('a device with enable-migration=on is refused where it could not migrate, and leaves nothing behind', async () => {
  const machine = await createTestMachine({ devices: [device('a')] });
  const on = { 'enable-migration': 'on' };
  await assert.rejects(add(machine, 'b', { ...on, p2p: false }), { message: P2P });
  await assert.rejects(add(machine, 'b', { ...on, migration: false }), { message: `b: ${UNSUPPORTED}` });
  assert.deepEqual(await blockers(machine), []);
  assert.deepEqual(machine.warnings, []);
  await add(machine, 'b', on);
  assert.deepEqual(await blockers(machine), []);
  await machine.close();
});

test('a device that does not log its writes migrates where it must, which is told as a warning', async () => {
  const machine = await createTestMachine();
  await add(machine, 'a', { 'enable-migration': 'on', 'x-device-dirty-page-tracking': false });
  assert.deepEqual(await blockers(machine), []);
  assert.deepEqual(machine.warnings, [`a: ${NO_TRACKING}`]);
  await machine.close();
});

async function refused(machine: TestMachine): Promise<void> {
  await assert.rejects(add(machine, 'new'), { message: 'device_add not allowed while migrating' });
  await assert.rejects(execute(machine, 'device_del', { id: 'd' }), {
    message: 'device_del not allowed while migrating',
  });
}

async function accepted(machine: TestMachine): Promise<void> {
  await add(machine, 'new');
  await execute(machine, 'device_del', { id: 'new' });
}

function busyPair(context: TestContext, more: Partial<MachinePairOptions> = {}): Promise<MachinePair> {
  return MachinePair.create(context, { devices: [device('d')], ...more });
}

test('devices neither come nor go in any phase of a migration, on either side', async (context) => {
  const pair = await busyPair(context, {
    destinationDevices: [device('d', { 'latency-stop-to-resuming': 100, 'latency-resuming-to-stop': 100 })],
    source: { capabilities: ['events', 'pause-before-switchover'] },
  });
  await execute(pair.destination, 'migrate-incoming', { uri: pair.uri });
  // A destination that still waits can be given what the source has.
  await accepted(pair.destination);
  await accepted(pair.source);
  await execute(pair.source, 'migrate', { uri: pair.uri });
  for (const phase of ['setup', 'active', 'pre-switchover', 'device']) {
    await pair.until(pair.source, `MIGRATION ${phase}`);
    await pair.clock.advance(5);
    await refused(pair.source);
    if (phase !== 'setup') await refused(pair.destination);
    if (phase === 'pre-switchover') {
      await execute(pair.source, 'migrate-continue', { state: 'pre-switchover' });
    }
  }
  await pair.ended();
  await accepted(pair.source);
  await accepted(pair.destination);
});

test('after a migration that failed or was cancelled devices come and go again', async (context) => {
  const pair = await busyPair(context);
  await execute(pair.source, 'migrate', { uri: `${pair.uri}-elsewhere` });
  await pair.until(pair.source, 'MIGRATION failed');
  await accepted(pair.source);
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 1024, 'downtime-limit': 0 });
  await pair.start();
  await pair.until(pair.source, 'MIGRATION active');
  await execute(pair.source, 'migrate_cancel');
  await pair.ended();
  await accepted(pair.source);
});

test('a device that was asked for just before the migration began is not added in the middle of it', async (context) => {
  const pair = await busyPair(context);
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 1024, 'downtime-limit': 0 });
  await execute(pair.destination, 'migrate-incoming', { uri: pair.uri });
  const adding = add(pair.source, 'late').then(
    () => 'added',
    () => 'refused',
  );
  const migrating = execute(pair.source, 'migrate', { uri: pair.uri }).then(
    () => 'started',
    () => 'refused',
  );
  const outcome = await Promise.all([adding, migrating]);
  // Whichever came first, both sides have the same devices, or say that they have not.
  assert.ok(outcome[1] === 'started', String(outcome));
  if (outcome[0] === 'added') await pair.until(pair.source, 'MIGRATION failed');
  else await pair.until(pair.source, 'MIGRATION active');
});
