import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState } from '@godwit/vfio';
import fc from 'fast-check';
import type { ChannelFault } from './faulty-channel.js';
import { FaultyChannel } from './faulty-channel.js';
import { Pair, type PairOptions } from './pair.js';
import { PAGE, type TestDevice } from './test-machine.js';

const RUNS = Number(process.env.GODWIT_FUZZ_RUNS ?? 15);

const dma = { 'dma-rate': 64 << 10, 'dma-address': 2 * PAGE, 'dma-size': 8 * PAGE };

const devices: readonly TestDevice[] = [
  { id: 'nic0', model: 'nic', properties: { 'dirty-rate': 256 << 10, ...dma } },
  { id: 'gpu0', model: 'gpu', properties: { latency: 3, 'dirty-rate': 64 << 10 } },
  { id: 'crypto0', model: 'crypto', properties: { p2p: true, latency: 1 } },
];

const small: PairOptions = {
  ram: [64 * PAGE, 9 * PAGE],
  channel: { bytesPerSecond: 4 << 20, capacity: 8192 },
  parameters: { 'downtime-limit': 20 },
};

/** Pages go through the channels, or the destination copies them by itself, a few at a time. */
const anyWay = fc.boolean().map((shares): PairOptions => {
  if (!shares) return small;
  return { ...small, shares, parameters: { ...small.parameters, 'max-bandwidth': 2 << 20 } };
});

/** With so much less to go through the channels, faults would mostly come too late. */
function within(way: PairOptions, fault: ChannelFault): ChannelFault {
  return way.shares === true ? { ...fault, offset: fault.offset % 24_000 } : fault;
}

/** Whatever happened, one guest runs whole, or none does because the destination was not told that it may. */
async function assertNothingLost(pair: Pair, cleanUp = () => {}, limitMs = 20_000): Promise<void> {
  const before = new Map(pair.source.models.map((model) => [model, model.verify().errors]));
  const end = pair.clock.now() + limitMs;
  // Somebody loses patience in the end: while the guest runs, a migration that does not get on waits for that.
  const patience = pair.clock.setTimer(() => pair.outgoing.cancel(), limitMs / 2);
  while (!pair.done) {
    assert.ok(pair.clock.now() < end, 'the migration does not end');
    assert.ok(pair.runningGuests <= 1, 'two guests run');
    if (pair.source.running) pair.source.writePage();
    // What is not over after a second waits for a time to run out.
    await pair.clock.advance(pair.clock.now() < 1000 ? 1 : 100);
  }
  assert.ok(pair.runningGuests <= 1, 'two guests run');
  const { source, destination } = pair;
  if (source.running) {
    assert.notEqual(pair.outcome, 'completed');
    for (const model of source.models) {
      assert.equal(model.state, DeviceState.RUNNING);
      assert.equal(model.verify().errors, before.get(model));
      assert.equal(model.dmaLogging.active, false);
    }
    assert.equal(source.dirtyLog.active, false);
  } else {
    assert.equal(pair.outcome, 'completed');
    assert.equal(source.runState, 'postmigrate');
    assert.ok(destination.arrived?.equals(source.contents()), 'RAM differs');
    assert.equal(destination.writes, source.writes);
    if (destination.running)
      for (const { state } of destination.models) assert.equal(state, DeviceState.RUNNING);
    else assert.equal(destination.runState, 'paused', 'nobody can run the guest');
    for (const model of destination.models) assert.equal(model.verify().errors, 0);
  }
  pair.close();
  patience.cancel();
  cleanUp();
  assert.equal(pair.clock.pendingTimers, 0, 'timers are left');
}

const anyFault: fc.Arbitrary<ChannelFault> = fc.oneof(
  fc.record({
    kind: fc.constant('flip' as const),
    offset: fc.nat(700_000),
    mask: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ kind: fc.constant('cut' as const), offset: fc.nat(700_000) }),
  fc.record({ kind: fc.constant('stall' as const), offset: fc.nat(700_000) }),
);

const anyDevices = fc.constantFrom(
  [],
  devices.slice(0, 1),
  devices.slice(1, 2),
  devices.slice(0, 2),
  devices,
);

test('whatever breaks on the way out, one guest runs whole', async () => {
  await fc.assert(
    fc.asyncProperty(anyWay, anyFault, anyDevices, async (way, fault, chosen) => {
      const pair = new Pair({
        ...way,
        devices: chosen,
        wrap: (source, destination) => [new FaultyChannel(source, within(way, fault)), destination],
      });
      pair.start();
      await assertNothingLost(pair);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('whatever breaks on the way back, one guest runs whole', async () => {
  const sizes = fc.record({
    kind: fc.constantFrom('flip' as const, 'cut' as const, 'stall' as const),
    offset: fc.nat(80),
    mask: fc.integer({ min: 1, max: 255 }),
  });
  await fc.assert(
    fc.asyncProperty(anyWay, sizes, anyDevices, async (way, fault, chosen) => {
      const pair = new Pair({
        ...way,
        devices: chosen,
        wrap: (source, destination) => [source, new FaultyChannel(destination, fault)],
      });
      pair.start();
      await assertNothingLost(pair);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('whatever breaks on any of several channels, one guest runs whole', async () => {
  const anyChannels = fc.integer({ min: 1, max: 3 }).chain((channels) =>
    fc.record({
      channels: fc.constant(channels),
      broken: fc.integer({ min: 0, max: channels }),
      fault: fc.tuple(anyFault, fc.integer({ min: 1, max: channels })).map(([fault, shares]) => ({
        ...fault,
        offset: Math.floor(fault.offset / shares),
      })),
    }),
  );
  await fc.assert(
    fc.asyncProperty(anyWay, anyChannels, anyDevices, async (way, { channels, broken, fault }, chosen) => {
      const pair = new Pair({
        ...way,
        channels,
        devices: chosen,
        wrap: (source, destination, number) => [
          number === broken ? new FaultyChannel(source, within(way, fault)) : source,
          destination,
        ],
      });
      pair.start();
      await assertNothingLost(pair);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('cancelled at any moment with several channels, one guest runs whole', async () => {
  await fc.assert(
    fc.asyncProperty(anyWay, fc.nat(400), fc.boolean(), anyDevices, async (way, at, bySource, chosen) => {
      const pair = new Pair({ ...way, devices: chosen, channels: 2 });
      const timer = pair.clock.setTimer(
        () => (bySource ? pair.outgoing.cancel() : pair.incoming.cancel()),
        at,
      );
      pair.start();
      await assertNothingLost(pair, () => timer.cancel());
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('cancelled at any moment by either side, one guest runs whole', async () => {
  await fc.assert(
    fc.asyncProperty(anyWay, fc.nat(400), fc.boolean(), anyDevices, async (way, at, bySource, chosen) => {
      const pair = new Pair({ ...way, devices: chosen });
      const timer = pair.clock.setTimer(
        () => (bySource ? pair.outgoing.cancel() : pair.incoming.cancel()),
        at,
      );
      pair.start();
      await assertNothingLost(pair, () => timer.cancel());
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('whichever transition of a device fails, one guest runs whole', async () => {
  const arcs = [
    'running->pre-copy',
    'running->running-p2p',
    'pre-copy->pre-copy-p2p',
    'pre-copy-p2p->stop-copy',
    'running-p2p->stop',
    'stop->stop-copy',
    'stop-copy->stop',
    'pre-copy->running',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...arcs),
      fc.constantFrom('from', 'error'),
      fc.boolean(),
      fc.constantFrom('nic', 'gpu', 'crypto'),
      async (arc, leaves, killsStream, model) => {
        const properties = {
          'fail-arc': arc,
          'fail-leaves': leaves,
          'fail-stream': killsStream,
          'fail-count': 1,
          p2p: true,
        };
        const pair = new Pair({
          ...small,
          devices: [{ id: 'dev0', model, properties }],
          destination: { devices: [{ id: 'dev0', model, properties: { p2p: true } }] },
        });
        pair.start();
        await assertNothingLost(pair);
      },
    ),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('a destination device that refuses its data leaves the guest with the source', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('stop->resuming', 'resuming->stop'),
      fc.constantFrom('nic', 'gpu', 'crypto'),
      async (arc, model) => {
        const pair = new Pair({
          ...small,
          devices: [{ id: 'dev0', model }],
          destination: { devices: [{ id: 'dev0', model, properties: { 'fail-arc': arc } }] },
        });
        pair.start();
        await assertNothingLost(pair);
        assert.equal(pair.outcome, 'failed');
        assert.match(pair.outgoing.error?.message ?? '', /^the destination failed: device 'dev0': /);
      },
    ),
    { numRuns: 12 },
  );
});
