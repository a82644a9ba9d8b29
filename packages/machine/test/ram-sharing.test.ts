import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { native } from '@godwit/native';
import type { Machine } from '../src/index.js';
import { MachinePair } from './support/machine-pair.js';
import { device, execute, type TestMachine } from './support/test-machine.js';

const needsAddon = { skip: native === undefined ? 'needs the addon' : false };

/** How many mappings of guest RAM this process has that leave it as it is: those of a destination. */
function readOnlyMappings(): number {
  const lines = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return lines.filter((line) => line.includes('/memfd:guest-ram') && line.includes('rw-p')).length;
}

function contents(machine: Machine): Buffer {
  return Buffer.concat(machine.hardware.memory.segments.map(({ bytes }) => bytes));
}

async function statusOf(machine: TestMachine): Promise<string | undefined> {
  return ((await execute(machine, 'query-migrate')) as { status?: string }).status;
}

/** However long the copying threads take; the virtual clock, of which they know nothing, stands still. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await nextTurn();
}

/** A stopped guest with something in its RAM, on its way to the other machine. */
async function paused(context: TestContext, extra: readonly string[]): Promise<MachinePair> {
  const capabilities = ['events', 'pause-before-switchover', ...extra];
  const pair = await MachinePair.create(context, {
    devices: [device('nic0')],
    source: { capabilities },
    destination: { capabilities },
  });
  await execute(pair.source, 'stop');
  const { memory } = pair.source.machine.hardware;
  memory.markUsed();
  for (const { bytes } of memory.segments) {
    for (let at = 0; at < bytes.length; at += 4096) bytes[at + 8] = (at >>> 12) % 250;
  }
  // No pauses for a limit, which would take virtual time.
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 2 ** 50 });
  await pair.start();
  await until(async () => (await statusOf(pair.source)) === 'pre-switchover');
  return pair;
}

async function finish(pair: MachinePair): Promise<void> {
  const before = contents(pair.source.machine);
  await execute(pair.source, 'migrate-continue', { state: 'pre-switchover' });
  await until(async () => (await statusOf(pair.destination)) === 'completed');
  await until(async () => (await statusOf(pair.source)) === 'completed');
  assert.ok(contents(pair.destination.machine).equals(before), 'RAM differs');
}

test(
  'over a unix socket the destination copies RAM by itself, and lets go of it when it has all',
  needsAddon,
  async (context) => {
    const pair = await paused(context, ['x-ram-sharing']);
    assert.equal(readOnlyMappings(), 1);
    await finish(pair);
    await until(async () => readOnlyMappings() === 0);
  },
);

test('without x-ram-sharing it has no part in the memory of the source', needsAddon, async (context) => {
  const pair = await paused(context, []);
  assert.equal(readOnlyMappings(), 0);
  await finish(pair);
});

test(
  'a source that goes on after a failed migration has its memory to itself',
  needsAddon,
  async (context) => {
    const pair = await paused(context, ['x-ram-sharing']);
    await execute(pair.source, 'migrate_cancel');
    await until(async () => (await statusOf(pair.source)) === 'cancelled' && readOnlyMappings() === 0);
  },
);
