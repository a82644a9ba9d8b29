import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@godwit/json';
import { MachinePair } from './support/machine-pair.js';
import { device, execute, type TestMachine } from './support/test-machine.js';

const MIB = 2 ** 20;
const UNTRACKED = { 'enable-migration': 'on', 'x-device-dirty-page-tracking': false };
const AT_THE_END = { 'x-pre-copy-dirty-page-tracking': false };

interface MigrationInfo {
  readonly status: string;
  readonly 'blocked-reasons'?: readonly string[];
  readonly ram: { readonly total: number; readonly 'downtime-bytes': number };
}

async function info(machine: TestMachine): Promise<MigrationInfo> {
  return (await execute(machine, 'query-migrate')) as MigrationInfo;
}

/** A guest of 8 MiB, all of which has contents and some of which it writes, with a device that writes pages to it. */
function options(properties: JsonObject) {
  const accelerator = { dirtyRate: MIB, workingSet: MIB, fill: true };
  return {
    devices: [device('nic', { model: 'nic', 'dma-rate': MIB, ...properties })],
    source: { accelerator },
    destination: { accelerator },
  };
}

async function assertWhole({ destination, clock }: MachinePair): Promise<void> {
  if (!destination.machine.guest.running) await execute(destination, 'cont');
  await clock.advance(1200);
  const path = '/machine/guest';
  const [audit] = (await execute(destination, 'qom-get', { path, property: 'device-audit' })) as [
    Record<string, number>,
  ];
  assert.ok(audit['dma-pages']! > 0);
  assert.deepEqual([audit.errors, audit['dma-errors']], [0, 0]);
}

for (const [what, properties] of [
  ['does not log its writes to RAM', UNTRACKED],
  ['is asked for its writes to RAM only at the end', AT_THE_END],
] as const) {
  test(`a device that ${what} arrives with all that it wrote`, async (context) => {
    const pair = await MachinePair.create(context, options(properties));
    await pair.clock.advance(1200);
    await pair.start();
    await pair.ended();
    assert.equal((await info(pair.source)).status, 'completed');
    await assertWhole(pair);
  });

  test(`a paused guest whose device ${what} moves too`, async (context) => {
    const pair = await MachinePair.create(context, options(properties));
    await pair.clock.advance(1200);
    await execute(pair.source, 'stop');
    await pair.start();
    await pair.ended();
    assert.equal((await info(pair.source)).status, 'completed');
    await assertWhole(pair);
  });
}

test('where nobody logs what a device writes, all of RAM counts as written while it runs', async (context) => {
  const pair = await MachinePair.create(context, options(UNTRACKED));
  // In 50 ms a quarter of it can be sent.
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 40 * MIB, 'downtime-limit': 50 });
  await pair.start();
  await pair.until(pair.source, 'MIGRATION active');
  await pair.clock.advance(3000);
  assert.equal((await info(pair.source)).status, 'active', 'the downtime limit would not be kept');
  await execute(pair.source, 'migrate-set-parameters', { 'downtime-limit': 1000 });
  await pair.ended();
  const { status, ram } = await info(pair.source);
  assert.equal(status, 'completed');
  assert.ok(ram['downtime-bytes'] >= ram.total / 2, `${ram['downtime-bytes']} of ${ram.total} bytes`);
});

test('a device that is asked only at the end does not keep the guest from moving', async (context) => {
  const pair = await MachinePair.create(context, options(AT_THE_END));
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 40 * MIB, 'downtime-limit': 50 });
  await pair.start();
  await pair.ended();
  const { status, ram } = await info(pair.source);
  assert.equal(status, 'completed');
  assert.ok(ram['downtime-bytes'] < ram.total / 2);
});
