import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState } from '@godwit/vfio';
import { memoryChannelPair } from '../src/index.js';
import { LateChannel } from './late-channel.js';
import { Pair, type PairOptions } from './pair.js';
import { PAGE, seededRandom, type TestDevice } from './test-machine.js';

const devices: readonly TestDevice[] = [
  { id: 'nic0', model: 'nic', properties: { 'dirty-rate': 256 << 10 } },
  { id: 'gpu0', model: 'gpu', properties: { latency: 3, 'state-size': 3 << 20 } },
  { id: 'crypto0', model: 'crypto', properties: { p2p: true } },
];

const options: PairOptions = {
  ram: [256 * PAGE, 33 * PAGE],
  channel: { bytesPerSecond: 8 << 20, capacity: 8192 },
  parameters: { 'downtime-limit': 20 },
};

/** Migrates while the guest writes, and looks at what arrived. */
async function migrate(pair: Pair): Promise<void> {
  pair.start();
  while (!pair.done) {
    if (pair.source.running) pair.source.writePage();
    await pair.clock.advance(1);
  }
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message ?? pair.incoming.error?.message);
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
  for (const model of pair.destination.models) {
    assert.equal(model.verify().errors, 0);
    assert.equal(model.state, DeviceState.RUNNING);
  }
}

for (const channels of [1, 2, 5]) {
  test(`RAM and devices arrive whole over ${channels} additional channels while the guest writes`, async () => {
    const pair = new Pair({ ...options, devices, channels });
    await migrate(pair);
    assert.equal(pair.opened.length, 2 * (1 + channels));
    pair.close();
  });
}

for (let seed = 1; seed <= 3; seed++) {
  test(`a page that is sent in several rounds never ends with what it was before (${seed})`, async () => {
    const random = seededRandom(seed);
    const pair = new Pair({
      ...options,
      ram: [512 * PAGE],
      channels: 3,
      wrap: (source, destination, number) => [
        number > 0 ? new LateChannel(source, pair.clock, random) : source,
        destination,
      ],
      parameters: { 'downtime-limit': 2, 'avail-switchover-bandwidth': 4 << 20, 'max-bandwidth': 8 << 20 },
    });
    pair.start();
    while (!pair.done) {
      const writes = pair.source.running && pair.clock.now() < 500;
      if (writes) for (let page = 0; page < 12; page++) pair.source.writePage(page);
      await pair.clock.advance(1);
    }
    assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
    assert.ok(pair.outgoing.statistics.ram.dirtySyncCount > 2);
    assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
    pair.close();
  });
}

test('what goes over additional channels is counted there, and in the whole', async () => {
  const pair = new Pair({ ...options, devices, channels: 2 });
  await migrate(pair);
  const { ram, vfio } = pair.outgoing.statistics;
  assert.ok(ram.multifdBytes > ram.transferred, 'devices use the channels too');
  assert.ok(ram.multifdBytes < ram.transferred + vfio.transferred + 4096);
  assert.ok(ram.transferred >= ram.normalBytes);
  assert.ok(pair.incoming.statistics.received > ram.multifdBytes);
  pair.close();
});

test('without additional channels nothing is counted for them', async () => {
  const pair = new Pair({ ...options, devices });
  await migrate(pair);
  assert.equal(pair.outgoing.statistics.ram.multifdBytes, 0);
  pair.close();
});

test('a device with multifdTransfer off uses the main channel', async () => {
  const machine = { ...options, devices: [{ ...devices[1]!, multifdTransfer: 'off' as const }], channels: 2 };
  const pair = new Pair(machine);
  await migrate(pair);
  const { ram, vfio } = pair.outgoing.statistics;
  assert.ok(vfio.transferred > 3 << 20);
  assert.ok(ram.multifdBytes < ram.transferred + 4096);
  pair.close();
});

const mismatches: readonly (readonly [string, PairOptions, RegExp])[] = [
  [
    'multifd only at the source',
    { channels: 2, destinationChannels: 0 },
    /multifd is on at the source, off at the destination/,
  ],
  ['multifd only at the destination', { destinationChannels: 2 }, /multifd is off at the source, on at/],
  [
    'another number of channels',
    { channels: 2, destinationChannels: 3 },
    /multifd-channels is 2 at the source, 3 at the destination/,
  ],
  [
    'a device whose transfer differs',
    {
      channels: 2,
      devices: [{ ...devices[0]!, multifdTransfer: 'off' }],
      destination: { devices: [devices[0]!] },
    },
    /multifd transfer of device '\/machine\/peripheral\/nic0' is off at the source, on at the destination/,
  ],
  [
    'a device that insists on multifd where there is none',
    { devices: [{ ...devices[0]!, multifdTransfer: 'on' }] },
    /^nic0: Multifd device transfer requested but unsupported in the current config$/,
  ],
];

for (const [what, differing, reason] of mismatches) {
  test(`${what}: a clear error, and the guest runs on`, async () => {
    const pair = new Pair({ ...options, ...differing });
    await pair.run();
    assert.equal(pair.outcome, 'failed');
    assert.match(pair.outgoing.error?.message ?? '', reason);
    assert.equal(pair.source.running, true);
    pair.close();
  });
}

test('a single given channel cannot become several', async () => {
  const pair = new Pair({ ...options, channels: 2 });
  const [near, far] = memoryChannelPair();
  const outcome = await pair.outgoing.start(near);
  assert.equal(outcome, 'failed');
  assert.equal(pair.outgoing.error?.message, 'Migration requires multi-channel URIs (e.g. tcp)');
  far.close();
  pair.close();
});
