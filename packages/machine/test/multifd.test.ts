import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { MachinePair } from './support/machine-pair.js';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

interface Info {
  readonly status: string;
  readonly 'error-desc'?: string;
  readonly ram: Readonly<Record<string, number>>;
  readonly vfio: { readonly transferred: number };
}

async function query(machine: TestMachine): Promise<Info> {
  return (await execute(machine, 'query-migrate')) as Info;
}

async function switchOn(machine: TestMachine, channels?: number): Promise<void> {
  await execute(machine, 'migrate-set-capabilities', {
    capabilities: [{ capability: 'multifd', state: true }],
  });
  if (channels !== undefined)
    await execute(machine, 'migrate-set-parameters', { 'multifd-channels': channels });
}

const devices = [device('a', { 'state-size': 2 << 20 }), device('b', { model: 'gpu' })];

test('a guest and its devices move over the channels of multifd, and no descriptor is left', async (context) => {
  const pair = await MachinePair.create(context, { devices });
  const before = readdirSync('/proc/self/fd').length;
  for (const machine of [pair.source, pair.destination]) await switchOn(machine, 3);
  await pair.start();
  await pair.ended();
  const { status, ram, vfio, ...rest } = await query(pair.source);
  assert.equal(status, 'completed', rest['error-desc']);
  assert.equal((await query(pair.destination)).status, 'completed');
  assert.ok(ram['multifd-bytes']! > ram['normal-bytes']!, 'RAM and device state');
  assert.ok(ram['multifd-bytes']! <= ram.transferred! + 64 * 1024);
  assert.ok(vfio.transferred > 2 << 20);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('x-migration-multifd-transfer keeps a device away from the channels, and can insist on them', async (context) => {
  const off = [device('a', { 'state-size': 2 << 20, 'x-migration-multifd-transfer': 'off' })];
  const pair = await MachinePair.create(context, { devices: off });
  for (const machine of [pair.source, pair.destination]) await switchOn(machine);
  await pair.start();
  await pair.ended();
  const { ram, vfio } = await query(pair.source);
  assert.ok(ram['multifd-bytes']! <= ram.transferred! - vfio.transferred + 4096);

  const on = [device('a', { 'x-migration-multifd-transfer': 'on' })];
  const insisting = await MachinePair.create(context, { devices: on });
  await insisting.start();
  await insisting.until(insisting.source, 'MIGRATION failed');
  assert.equal(
    (await query(insisting.source))['error-desc'],
    'a: Multifd device transfer requested but unsupported in the current config',
  );
  await execute(insisting.destination, 'quit');
});

for (const [what, source, destination, reason] of [
  ['multifd at one side only', 2, undefined, /multifd is on at the source, off at the destination/],
  ['another number of channels', 2, 4, /multifd-channels is 2 at the source, 4 at the destination/],
] as const) {
  test(`${what} fails with both values, and the guest runs on`, async (context) => {
    const pair = await MachinePair.create(context, { devices });
    await switchOn(pair.source, source);
    if (destination !== undefined) await switchOn(pair.destination, destination);
    await execute(pair.destination, 'migrate-incoming', { uri: pair.uri, 'exit-on-error': false });
    await execute(pair.source, 'migrate', { uri: pair.uri });
    await pair.ended();
    assert.match((await query(pair.source))['error-desc'] ?? '', reason);
    assert.equal(((await execute(pair.source, 'query-status')) as { status: string }).status, 'running');
  });
}

test('multifd wants a transport that takes several connections, and its switch before the source is awaited', async (context) => {
  const machine = await createTestMachine();
  await switchOn(machine);
  await assert.rejects(execute(machine, 'migrate', { uri: 'exec:cat' }), {
    message: 'Migration requires multi-channel URIs (e.g. tcp)',
  });
  await machine.close();

  const pair = await MachinePair.create(context, { devices: [] });
  await execute(pair.destination, 'migrate-incoming', { uri: pair.uri });
  await assert.rejects(switchOn(pair.destination), {
    message: 'Multifd must be set before incoming starts',
  });
});

test('multifd compresses nothing, and says so', async () => {
  const machine = await createTestMachine();
  await assert.rejects(execute(machine, 'migrate-set-parameters', { 'multifd-compression': 'zlib' }), {
    message: "Multifd compression 'zlib' is not supported by this machine",
  });
  await execute(machine, 'migrate-set-parameters', { 'multifd-compression': 'none' });
  await machine.close();
});
