import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from './pair.js';
import { PAGE } from './test-machine.js';

test('a guest arrives with its RAM, its state and nothing changed, and runs at the destination only', async () => {
  const pair = new Pair();
  pair.source.writes = 41;
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.equal(pair.incomingOutcome, 'completed', pair.incoming.error?.message);
  assert.ok(pair.source.contents().equals(pair.destination.contents()));
  assert.equal(pair.destination.writes, 42, 'the last write, just before the guest stopped');
  assert.equal(pair.source.runState, 'postmigrate');
  assert.equal(pair.destination.runState, 'running');
  assert.equal(pair.clock.pendingTimers, 0);
});

test('pages that the guest writes while it is sent arrive as they were last written', async () => {
  const pair = new Pair({
    ram: [2048 * PAGE],
    channel: { bytesPerSecond: 8 << 20 },
    parameters: { 'downtime-limit': 20 },
  });
  pair.start();
  while (!pair.done) {
    if (pair.source.running) pair.source.writePage();
    await pair.clock.advance(1);
  }
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.ok(pair.source.contents().equals(pair.destination.contents()));
  assert.equal(pair.destination.writes, pair.source.writes);
  const { ram, downtime } = pair.outgoing.statistics;
  assert.ok(ram.dirtySyncCount >= 3, `${ram.dirtySyncCount} rounds`);
  assert.ok(ram.normal > 2048, `${ram.normal} pages`);
  assert.ok(downtime! <= 40, `${downtime} ms`);
});

test('devices of every kind arrive with their state', async () => {
  const pair = new Pair({
    devices: [
      { id: 'nic0', model: 'nic', properties: { 'dirty-rate': 1 << 20 } },
      { id: 'gpu0', model: 'gpu', properties: { 'state-size': 4 << 20, latency: 5 } },
    ],
    channel: { bytesPerSecond: 64 << 20 },
  });
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.equal(pair.incomingOutcome, 'completed', pair.incoming.error?.message);
  for (const model of pair.destination.models) assert.equal(model.verify().errors, 0);
  const { devices, vfio } = pair.outgoing.statistics;
  assert.ok(devices.every(({ sent }) => sent > 0));
  assert.equal(
    vfio.transferred,
    devices.reduce((sum, { sent }) => sum + sent, 0),
  );
  pair.close();
});
