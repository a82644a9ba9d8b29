import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState } from '@godwit/vfio';
import fc from 'fast-check';
import { FaultyChannel } from './faulty-channel.js';
import { Pair, type PairOptions } from './pair.js';
import { PAGE } from './test-machine.js';

const V1 = { protocol: 'v1', 'region-size': 8192 };
const dma = { 'dma-rate': 64 << 10, 'dma-address': 2 * PAGE, 'dma-size': 8 * PAGE };

const small: PairOptions = {
  ram: [64 * PAGE, 9 * PAGE],
  channel: { bytesPerSecond: 4 << 20, capacity: 8192 },
  parameters: { 'downtime-limit': 20 },
};

/** Runs to the end; then one guest runs whole, on the side that says so. */
async function finish(pair: Pair, cancelAt = 10_000): Promise<void> {
  const patience = pair.clock.setTimer(() => pair.outgoing.cancel(), cancelAt);
  pair.start();
  while (!pair.done) {
    assert.ok(pair.runningGuests <= 1, 'two guests run');
    if (pair.source.running) pair.source.writePage();
    await pair.clock.advance(1);
  }
  patience.cancel();
  assert.ok(pair.runningGuests <= 1, 'two guests run');
  if (pair.source.running) {
    assert.notEqual(pair.outcome, 'completed');
    for (const { state } of pair.source.models) assert.equal(state, DeviceState.RUNNING);
  } else {
    assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
    assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
    for (const model of pair.destination.models) assert.equal(model.verify().errors, 0);
  }
  pair.close();
  assert.equal(pair.clock.pendingTimers, 0, 'timers are left');
}

for (const [model, properties] of [
  ['nic', {}],
  ['nic', { 'region-mapped': 'off' }],
  ['gpu', { latency: 3 }],
  ['crypto', {}],
  ['block', {}],
] as const) {
  test(`a ${model} behind a v1 region (${JSON.stringify(properties)}) migrates while it runs`, async () => {
    const active = { 'dirty-rate': 64 << 10, ...dma };
    const pair = new Pair({
      ...small,
      devices: [{ id: 'dev0', model, properties: { ...V1, ...active, ...properties } }],
    });
    await finish(pair);
    assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  });
}

test('whatever breaks around a v1 device, one guest runs whole', async () => {
  const arcs = [
    'running->pre-copy',
    'pre-copy->stop-copy',
    'running->stop',
    'stop->stop-copy',
    'stop-copy->stop',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('nic', 'gpu', 'crypto'),
      fc.option(fc.constantFrom(...arcs), { nil: undefined }),
      fc.constantFrom('from', 'error'),
      fc.option(
        fc.record({
          kind: fc.constantFrom('flip' as const, 'cut' as const),
          offset: fc.nat(500_000),
          mask: fc.constant(4),
        }),
        {
          nil: undefined,
        },
      ),
      fc.nat(400),
      fc.boolean(),
      async (model, arc, leaves, fault, cancelAt, cancels) => {
        const properties = { ...V1, ...dma, 'dirty-rate': 64 << 10 };
        const faulty = arc === undefined ? {} : { 'fail-arc': arc, 'fail-leaves': leaves };
        const pair = new Pair({
          ...small,
          devices: [{ id: 'dev0', model, properties: { ...properties, ...faulty } }],
          destination: { devices: [{ id: 'dev0', model, properties }] },
          wrap: (source, destination) => [
            fault === undefined ? source : new FaultyChannel(source, fault),
            destination,
          ],
        });
        await finish(pair, cancels ? cancelAt : 10_000);
      },
    ),
    { numRuns: Number(process.env.GODWIT_FUZZ_RUNS ?? 20), includeErrorInReport: true },
  );
});
