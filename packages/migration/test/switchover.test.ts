import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair } from './pair.js';
import { PAGE } from './test-machine.js';

const MIB = 1 << 20;

test('with pause-before-switchover the stopped guest waits until it is continued', async () => {
  const pair = new Pair({ outgoing: { pauseBeforeSwitchover: true } });
  assert.throws(() => pair.outgoing.continue(), { message: 'Migration not in expected state: none' });
  pair.start();
  await pair.clock.advanceUntil(() => pair.outgoing.status === 'pre-switchover');
  await pair.clock.advance(50_000);
  assert.equal(pair.outgoing.status, 'pre-switchover');
  assert.equal(pair.source.runState, 'finish-migrate');
  pair.outgoing.continue();
  await pair.finish();
  assert.equal(pair.outcome, 'completed');
  assert.deepEqual(pair.source.events.slice(2), [
    'STOP',
    'MIGRATION pre-switchover',
    'MIGRATION device',
    'MIGRATION completed',
  ]);
  assert.throws(() => pair.outgoing.continue(), { message: 'Migration not in expected state: completed' });
});

test('a migration that waits in pre-switchover can be cancelled, and the guest runs on', async () => {
  const pair = new Pair({ outgoing: { pauseBeforeSwitchover: true } });
  pair.start();
  await pair.clock.advanceUntil(() => pair.outgoing.status === 'pre-switchover');
  pair.outgoing.cancel();
  await pair.finish();
  assert.equal(pair.outcome, 'cancelled');
  assert.ok(pair.source.running);
  assert.equal(pair.clock.pendingTimers, 0);
});

test('with switchover-ack the guest stops only when every device has its initial bytes there', async () => {
  const run = async (switchoverAck: boolean) => {
    const pair = new Pair({
      devices: [{ id: 'gpu0', model: 'gpu', properties: { 'state-size': 8 * MIB } }],
      channel: { bytesPerSecond: 8 * MIB },
      // What is left would always fit into the downtime.
      parameters: { 'downtime-limit': 100_000 },
      outgoing: { switchoverAck },
    });
    await pair.run();
    assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
    pair.close();
    return pair.outgoing.statistics.downtime!;
  };
  assert.ok((await run(false)) > 700);
  assert.ok((await run(true)) < 300);
});

test('a device that starts over (REINIT) is waited for again', async () => {
  const pair = new Pair({
    devices: [{ id: 'gpu0', model: 'gpu', properties: { 'state-size': 4 * MIB, 'reinit-after': 400 } }],
    channel: { bytesPerSecond: 8 * MIB },
    parameters: { 'downtime-limit': 100_000 },
    outgoing: { switchoverAck: true },
  });
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  const { devices, downtime } = pair.outgoing.statistics;
  assert.ok(devices[0]!.sent > 6 * MIB, `${devices[0]!.sent} bytes sent`);
  assert.ok(downtime! < 300, `${downtime} ms`);
  assert.equal(pair.destination.models[0]?.verify().errors, 0);
  pair.close();
});

/** A guest that writes so many pages a millisecond, until it is stopped. */
async function drive(pair: Pair, pagesPerMs: number, limitMs: number): Promise<void> {
  pair.start();
  const end = pair.clock.now() + limitMs;
  let owed = 0;
  while (!pair.done && pair.clock.now() < end) {
    owed += pagesPerMs * (1 - pair.source.dirtyLog.throttled / 100);
    for (; owed >= 1; owed--) if (pair.source.running) pair.source.writePage();
    await pair.clock.advance(1);
  }
}

const busy = {
  ram: [4096 * PAGE],
  channel: { bytesPerSecond: 16 * MIB },
  parameters: { 'downtime-limit': 30 },
};

test('a guest that writes just below the bandwidth is moved within its downtime limit', async () => {
  const pair = new Pair(busy);
  await drive(pair, 2.5, 30_000);
  assert.equal(pair.outcome, 'completed', JSON.stringify(pair.outgoing.statistics));
  const { downtime, converging } = pair.outgoing.statistics;
  assert.ok(converging);
  assert.ok(downtime! <= 60, `${downtime} ms`);
});

test('a guest that writes faster than it is sent is reported, and moves after all when it is slowed down', async () => {
  const told: boolean[] = [];
  const stubborn = new Pair({
    ...busy,
    outgoing: { onConverging: (converging) => told.push(converging) },
  });
  await drive(stubborn, 8, 10_000);
  assert.equal(stubborn.outgoing.status, 'active');
  const { converging, ram, expectedDowntime } = stubborn.outgoing.statistics;
  assert.equal(converging, false);
  assert.deepEqual(told, [false], 'told once, not in every round');
  assert.ok(ram.dirtyPagesRate > 3000, `${ram.dirtyPagesRate} pages a second`);
  assert.ok(expectedDowntime > 100, `${expectedDowntime} ms`);
  stubborn.outgoing.cancel();
  await stubborn.finish();

  const slowed = new Pair({ ...busy, outgoing: { autoConverge: true } });
  await drive(slowed, 8, 60_000);
  assert.equal(slowed.outcome, 'completed', slowed.outgoing.error?.message);
  assert.equal(slowed.source.dirtyLog.throttled, 0);
  assert.ok(slowed.destination.arrived?.equals(slowed.source.contents()));
});

test('max-bandwidth holds while the guest runs, and can be changed meanwhile', async () => {
  const pair = new Pair({ ram: [4096 * PAGE], parameters: { 'max-bandwidth': MIB, 'downtime-limit': 0 } });
  pair.start();
  await pair.clock.advanceUntil(() => pair.outgoing.status === 'active');
  const activeAt = pair.clock.now();
  await pair.clock.advanceUntil(() => pair.clock.now() >= activeAt + 2000);
  const sent = pair.outgoing.statistics.ram.transferred;
  assert.ok(sent > 1.8 * MIB && sent < 2.3 * MIB, `${sent} bytes in two seconds`);
  const { 'max-bandwidth': _, ...rest } = (await import('../src/index.js')).defaultParameters;
  pair.outgoing.setParameters({ ...rest, 'max-bandwidth': 0 });
  await pair.finish(1000);
  assert.equal(pair.outcome, 'completed');
});

test('without zero-page detection every page is sent with its contents', async () => {
  const pair = new Pair({ outgoing: { detectZeroPages: false } });
  pair.source.ram.segments[0]!.bytes.fill(0);
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.equal(pair.outgoing.statistics.ram.duplicate, 0);
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()));
});

test('the statistics add up', async () => {
  const pair = new Pair({ ram: [512 * PAGE], channel: { bytesPerSecond: 8 * MIB } });
  pair.source.ram.segments[0]!.bytes.fill(0, 0, 100 * PAGE);
  await pair.run();
  const { ram, totalTime, setupTime, downtime, status } = pair.outgoing.statistics;
  assert.equal(status, 'completed');
  assert.equal(ram.duplicate, 100);
  assert.equal(ram.normal, 413, 'one page was written again before the guest stopped');
  assert.equal(ram.normalBytes, 413 * PAGE);
  assert.equal(ram.total, 512 * PAGE);
  assert.equal(ram.remaining, 0);
  assert.equal(ram.transferred, ram.precopyBytes + ram.downtimeBytes);
  assert.ok(ram.transferred > ram.normalBytes && ram.transferred < ram.normalBytes + 1000);
  assert.ok(totalTime >= setupTime + downtime!);
  assert.ok(Math.abs(ram.mbps - (8 * MIB * 8) / 1e6) < 15, `${ram.mbps} Mbit/s`);
});
