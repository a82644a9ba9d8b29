import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeConfiguration, encodeConfiguration } from '../src/configuration.js';
import { defaultPageDigests, type OutgoingStatistics } from '../src/index.js';
import { PREAMBLE_BYTES, RECORD_HEADER_BYTES } from '../src/stream/records.js';
import { FaultyChannel } from './faulty-channel.js';
import { Pair } from './pair.js';
import { PAGE } from './test-machine.js';

const MIB = 1 << 20;

/** On the wire: a record with so many bytes of payload. */
const record = (payload: number) => RECORD_HEADER_BYTES + payload;
/** A RAM record with one run, and the pages that follow it. */
const pages = (count: number) => record(8) + count * PAGE;

function near(actual: number, expected: number, tolerance = 0.001): void {
  assert.ok(Math.abs(actual - expected) <= expected * tolerance, `${actual} instead of ${expected}`);
}

test('every figure of a migration that completed is what can be worked out by hand', async () => {
  const bytesPerSecond = MIB;
  const pair = new Pair({ ram: [256 * PAGE], channel: { bytesPerSecond, capacity: 4 * MIB } });
  pair.source.ram.segments[0]!.bytes.fill(0, 0, 100 * PAGE);
  await pair.run();
  const { ram, setupTime, totalTime, downtime, status } = pair.outgoing.statistics;
  assert.equal(status, 'completed');

  // One round of everything, one that finds nothing, and with the guest stopped the page that it wrote last.
  assert.equal(ram.dirtySyncCount, 3);
  assert.equal(ram.total, 256 * PAGE);
  assert.equal(ram.remaining, 0);
  assert.equal(ram.duplicate, 100);
  assert.equal(ram.normal, 156 + 1);
  assert.equal(ram.normalBytes, 157 * PAGE);
  assert.equal(ram.precopyBytes, pages(0) + pages(156));
  assert.equal(ram.downtimeBytes, pages(1));
  assert.equal(ram.transferred, pages(0) + pages(156) + pages(1));

  // The line takes its time for every byte, and nothing else takes any.
  const features = { switchoverAck: false };
  const configuration = describeConfiguration(pair.source, defaultPageDigests.name, features);
  const setupBytes = PREAMBLE_BYTES + record(encodeConfiguration(configuration).length);
  const answer = PREAMBLE_BYTES + record(0);
  const roundMark = record(4);
  const sections = record(2 + 'cpu/0'.length + 4 + '1'.length) + record(2 + 'rtc'.length + 4);
  const end = record(4 + 4) + record(4 + 'running'.length);
  const stoppedBytes = pages(1) + sections + end + record(0);
  const ms = (bytes: number) => (bytes / bytesPerSecond) * 1000;
  near(downtime!, ms(stoppedBytes), 0.005);
  assert.ok(setupTime >= ms(setupBytes) && setupTime <= ms(setupBytes + answer), `${setupTime} ms`);
  const sendingBytes = pages(0) + pages(156) + roundMark + stoppedBytes;
  near(totalTime - setupTime, ms(sendingBytes), 0.005);
  near(ram.mbps, ((setupBytes + sendingBytes) * 8) / 1e6 / (sendingBytes / bytesPerSecond), 0.005);
  near(ram.pagesPerSecond, 257 / (sendingBytes / bytesPerSecond), 0.01);
  pair.close();
});

test('what is told while a guest writes a thousand pages a second', async () => {
  const pair = new Pair({
    ram: [4096 * PAGE],
    channel: { bytesPerSecond: 16 * MIB, capacity: 16 * MIB },
    parameters: { 'downtime-limit': 0 },
  });
  pair.start();
  const seen: OutgoingStatistics[] = [];
  for (let page = 0; pair.outgoing.status !== 'completed' && page < 2000; page++) {
    if (pair.source.running) pair.source.writePage(page);
    await pair.clock.advance(1);
    if (pair.outgoing.status === 'active') seen.push(pair.outgoing.statistics);
  }
  const first = seen.find(({ ram }) => ram.mbps > 0)!;
  near(first.ram.mbps, (16 * MIB * 8) / 1e6, 0.02);
  near(first.ram.pagesPerSecond, (16 * MIB) / PAGE, 0.02);
  assert.equal(first.ram.dirtyPagesRate, 0, 'no round has ended yet');
  assert.equal(first.ram.dirtySyncCount, 1);
  near(first.ram.remaining + first.ram.normalBytes, 4096 * PAGE);
  near(first.expectedDowntime, (first.ram.remaining / (16 * MIB)) * 1000, 0.02);

  // The first round took a second, in which a thousand pages were written, the second one a quarter of it.
  const second = seen.find(({ ram }) => ram.dirtySyncCount === 2)!;
  near(second.ram.dirtyPagesRate, 1000, 0.02);
  // The first 256 pages are on their way at once.
  near(second.ram.remaining, (1000 - 256) * PAGE, 0.05);
  const third = seen.find(({ ram }) => ram.dirtySyncCount === 3)!;
  near(third.ram.dirtyPagesRate, 1000, 0.02);
  assert.ok(third.converging);
  pair.outgoing.cancel();
  await pair.finish();
  pair.close();
});

test('a limit on bandwidth is what the downtime is reckoned with, unless another one is told', async () => {
  const after = async (parameters: Record<string, number>) => {
    const pair = new Pair({ ram: [1024 * PAGE], parameters: { 'downtime-limit': 0, ...parameters } });
    pair.start();
    await pair.clock.advanceUntil(() => pair.outgoing.statistics.ram.normal > 100);
    const { ram, expectedDowntime } = pair.outgoing.statistics;
    pair.outgoing.cancel();
    await pair.finish();
    pair.close();
    return { left: ram.remaining, expectedDowntime };
  };
  const limited = await after({ 'max-bandwidth': MIB });
  near(limited.expectedDowntime, (limited.left / MIB) * 1000, 0.02);
  const told = await after({ 'max-bandwidth': MIB, 'avail-switchover-bandwidth': 8 * MIB });
  near(told.expectedDowntime, (told.left / (8 * MIB)) * 1000, 0.02);
});

test('with avail-switchover-bandwidth the guest stops when what is left fits into it', async () => {
  const sentWhileStopped = async (parameters: Record<string, number>) => {
    const pair = new Pair({
      ram: [1024 * PAGE],
      channel: { bytesPerSecond: 4 * MIB },
      parameters: { 'downtime-limit': 100, ...parameters },
    });
    await pair.run();
    pair.close();
    return pair.outgoing.statistics.ram.downtimeBytes;
  };
  // 400 KiB go in 100 ms over this line; who says that it is sixteen times as fast stops the guest almost at once.
  const measured = await sentWhileStopped({});
  assert.ok(measured <= 0.4 * MIB, `${measured} bytes`);
  const told = await sentWhileStopped({ 'avail-switchover-bandwidth': 64 * MIB });
  assert.ok(told > 3 * MIB, `${told} bytes`);
});

test('pages of zeros say nothing about the line: the guest does not stop because of them', async () => {
  const timeouts = { handshake: 0, stall: 0, loaded: 0, hangUp: 0, device: 0 };
  const pair = new Pair({
    ram: [256 * PAGE, 16 * PAGE],
    channel: { bytesPerSecond: 2000 },
    outgoing: { timeouts },
    incoming: { timeouts },
  });
  pair.source.ram.segments[0]!.bytes.fill(0);
  await pair.run();
  const { ram } = pair.outgoing.statistics;
  assert.equal(ram.duplicate, 256);
  assert.equal(ram.precopyBytes, pages(0) + pages(16));
  assert.equal(ram.downtimeBytes, pages(1));
  pair.close();
});

test('the time without a connection counts for the whole, but not as time of sending', async () => {
  const bytesPerSecond = MIB;
  const pause = 10_000;
  const cut = pages(0) + 300 * PAGE;
  const pair = new Pair({
    ram: [1024 * PAGE],
    devices: [{ id: 'gpu0', model: 'gpu', properties: { 'state-size': 64 << 10 } }],
    channel: { bytesPerSecond, capacity: 16 << 10 },
    parameters: { 'downtime-limit': 100 },
    outgoing: { recoverAs: 'a' },
    incoming: { recovers: true },
    wrap: (source, destination) => [
      new FaultyChannel(source, { kind: 'cut', offset: cut + 4096 }),
      destination,
    ],
  });
  const told: boolean[] = [];
  pair.start();
  await pair.clock.advanceUntil(() => pair.paused);
  const before = pair.outgoing.statistics;
  // It writes all of its memory meanwhile, in no time.
  for (let page = 0; page < 1024; page++) pair.source.writePage(page);
  await pair.clock.advance(pause);
  pair.reconnect();
  while (!pair.done) {
    await pair.clock.advance(1);
    told.push(pair.outgoing.statistics.converging);
  }
  assert.equal(pair.outcome, 'completed');
  const { ram, totalTime, setupTime, downtime, devices } = pair.outgoing.statistics;
  assert.ok(totalTime > before.totalTime + pause);
  assert.ok(ram.transferred > before.ram.transferred + 1024 * PAGE);
  near(ram.mbps, (bytesPerSecond * 8) / 1e6, 0.05);
  near(ram.pagesPerSecond, (ram.normal + ram.duplicate) / ((totalTime - setupTime - pause) / 1000), 0.05);
  assert.ok(downtime! < 1000, `${downtime} ms`);
  assert.ok(devices[0]!.downtime <= downtime!);
  assert.ok(!told.includes(false), 'what was written during the pause is no dirty rate');
  pair.close();
});
