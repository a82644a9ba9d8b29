import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { createTestMachine, device, execute, type TestMachine } from '../support/test-machine.js';

const MIB = 2 ** 20;
const accelerator = { dirtyRate: 4 * MIB, workingSet: 2 * MIB, fill: true };

interface Pair {
  readonly clock: VirtualClock;
  readonly source: TestMachine;
  readonly destination: TestMachine;
  readonly folder: string;
}

/** Two machines of this process, on one clock, with a guest that writes 4 MiB a second and a device that does DMA. */
async function pair(context: TestContext): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const clock = new VirtualClock(1_700_000_000_000_000);
  const common = { clock, accelerator, devices: [device('nic', { model: 'nic', 'dma-rate': MIB })] };
  const source = await createTestMachine(common);
  const destination = await createTestMachine({ ...common, incoming: 'defer' });
  context.after(async () => {
    await source.close();
    await destination.close();
    assert.deepEqual(readdirSync(folder), [], 'no socket is left');
    rmSync(folder, { recursive: true });
  });
  return { clock, source, destination, folder };
}

function guest(machine: TestMachine, property: string): Promise<unknown> {
  return execute(machine, 'qom-get', { path: '/machine/guest', property });
}

async function begin({ source, destination, folder }: Pair): Promise<void> {
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
}

async function untilEvent({ clock }: Pair, machine: TestMachine, event: string): Promise<void> {
  await clock.advanceUntil(() => machine.events.includes(event));
}

const whole = { lost: 0, torn: 0, repeated: 0 };

test('a guest that writes all the while finds its memory and its device whole on the other side', async (context) => {
  const machines = await pair(context);
  const { clock, source, destination } = machines;
  await clock.advance(1200);
  await begin(machines);
  await untilEvent(machines, source, 'MIGRATION completed');
  await untilEvent(machines, destination, 'MIGRATION completed');
  const moved = Number(await guest(source, 'pages-written'));
  await clock.advance(1200);
  assert.ok(Number(await guest(destination, 'pages-written')) > moved + 1000);
  assert.deepEqual({ ...((await guest(destination, 'audit')) as object) }, { pages: 1792, ...whole });
  for (const counter of ['lost', 'torn', 'repeated', 'device-faults']) {
    assert.equal(await guest(destination, counter), 0, counter);
  }
  const [audit] = (await guest(destination, 'device-audit')) as Record<string, number>[];
  assert.ok(audit!.blocks! > 0 && audit!['dma-pages']! > 0);
  assert.deepEqual([audit!.errors, audit!['dma-errors']], [0, 0]);
  assert.equal(Number(await guest(source, 'pages-written')), moved, 'the source does not run any more');
});

test('a guest whose migration is cancelled goes on where it is', async (context) => {
  const machines = await pair(context);
  const { clock, source } = machines;
  await clock.advance(600);
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': MIB });
  await begin(machines);
  await untilEvent(machines, source, 'MIGRATION active');
  await clock.advance(500);
  await execute(source, 'migrate_cancel');
  await untilEvent(machines, source, 'MIGRATION cancelled');
  const before = Number(await guest(source, 'pages-written'));
  await clock.advance(600);
  assert.ok(Number(await guest(source, 'pages-written')) > before + 500);
  assert.deepEqual({ ...((await guest(source, 'audit')) as object) }, { pages: 1792, ...whole });
  assert.equal(await guest(source, 'device-faults'), 0);
});

test('after a migration that was cancelled half-way the same destination takes the guest', async (context) => {
  const machines = await pair(context);
  const { clock, source, destination, folder } = machines;
  await clock.advance(600);
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': MIB });
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(destination, 'migrate-incoming', { uri, 'exit-on-error': false });
  await execute(source, 'migrate', { uri });
  await untilEvent(machines, source, 'MIGRATION active');
  await clock.advance(1500);
  await execute(source, 'migrate_cancel');
  await untilEvent(machines, destination, 'MIGRATION failed');
  // A page that went over and is zero now must be zero there too.
  const { bytes } = source.machine.hardware.memory.segments[0]!;
  const unused = source.machine.hardware.memory.size - 4096;
  bytes.fill(0, unused);
  destination.machine.hardware.memory.segments[0]!.bytes.fill(1, unused);
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 0 });
  await begin(machines);
  await untilEvent(machines, destination, 'MIGRATION completed');
  assert.deepEqual({ ...((await guest(destination, 'audit')) as object) }, { pages: 1792, ...whole });
  assert.ok(
    destination.machine.hardware.memory.segments[0]!.bytes.subarray(unused).every((byte) => byte === 0),
  );
});

test('machines whose guests are not alike are told apart by what differs, and the source goes on', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const clock = new VirtualClock(1_700_000_000_000_000);
  const source = await createTestMachine({ clock, accelerator });
  const destination = await createTestMachine({
    clock,
    accelerator: { ...accelerator, workingSet: MIB },
    incoming: 'defer',
  });
  context.after(async () => {
    await source.close();
    await destination.close();
    rmSync(folder, { recursive: true });
  });
  const machines = { clock, source, destination, folder };
  await begin(machines);
  await untilEvent(machines, source, 'MIGRATION failed');
  assert.ok(
    destination.warnings.some((warning) => /working set/.test(warning)),
    destination.warnings.join(),
  );
  const before = Number(await guest(source, 'pages-written'));
  await clock.advance(300);
  assert.ok(Number(await guest(source, 'pages-written')) > before);
});
