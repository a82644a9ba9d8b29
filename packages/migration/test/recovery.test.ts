import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState } from '@godwit/vfio';
import fc from 'fast-check';
import { memoryChannelPair } from '../src/index.js';
import { FaultyChannel } from './faulty-channel.js';
import { LateChannel } from './late-channel.js';
import { Pair, type PairOptions } from './pair.js';
import { PAGE, seededRandom } from './test-machine.js';

const RUNS = Number(process.env.GODWIT_FUZZ_RUNS ?? 15);

const dma = { 'dma-rate': 64 << 10, 'dma-address': 2 * PAGE, 'dma-size': 8 * PAGE };

const options: PairOptions = {
  ram: [64 * PAGE, 9 * PAGE],
  devices: [
    { id: 'nic0', model: 'nic', properties: { 'dirty-rate': 256 << 10, ...dma } },
    { id: 'gpu0', model: 'gpu', properties: { latency: 3, 'dirty-rate': 64 << 10 } },
  ],
  channel: { bytesPerSecond: 4 << 20, capacity: 8192 },
  parameters: { 'downtime-limit': 20 },
  outgoing: { recoverAs: 'a' },
  incoming: { recovers: true },
};

function without(side: 'outgoing' | 'incoming'): PairOptions {
  return { ...options, [side]: {} };
}

const cutAfter =
  (offset: number): NonNullable<PairOptions['wrap']> =>
  (source, destination) => [new FaultyChannel(source, { kind: 'cut', offset }), destination];

/** Steps the clock with a guest that writes, until `condition` holds. */
async function drive(pair: Pair, condition: () => boolean, limitMs = 20_000): Promise<void> {
  const end = pair.clock.now() + limitMs;
  while (!condition()) {
    assert.ok(pair.clock.now() < end, `source ${pair.outgoing.status}, destination ${pair.incoming.status}`);
    assert.ok(pair.runningGuests <= 1, 'two guests run');
    if (pair.source.running) pair.source.writePage();
    await pair.clock.advance(1);
  }
}

function assertArrived(pair: Pair): void {
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.equal(pair.incomingOutcome, 'completed', pair.incoming.error?.message);
  assert.equal(pair.source.runState, 'postmigrate');
  assert.equal(pair.destination.runState, 'running');
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
  for (const model of pair.destination.models) assert.equal(model.verify().errors, 0);
  assert.equal(pair.source.dirtyLog.active, false);
}

/** Nothing waits, nothing ticks. */
function close(pair: Pair): void {
  pair.close();
  assert.equal(pair.clock.pendingTimers, 0);
}

test('a migration whose connection breaks waits, and goes on over another one with what is missing', async () => {
  const pair = new Pair({ ...options, wrap: cutAfter(40 * PAGE) });
  pair.start();
  await drive(pair, () => pair.paused);
  assert.equal(pair.source.runState, 'running');
  for (const { state } of pair.source.models) assert.equal(state, DeviceState.RUNNING);
  for (const { state } of pair.destination.models) assert.equal(state, DeviceState.STOP);
  assert.match(pair.outgoing.statistics.error ?? '', /connection|channel/);
  const { transferred } = pair.outgoing.statistics.ram;

  // The guest goes on, and its writes are not forgotten, however long it takes.
  await drive(pair, () => pair.source.writes > 200);
  pair.reconnect();
  await drive(pair, () => pair.done);
  assertArrived(pair);
  const pages = pair.outgoing.statistics.ram.normal;
  assert.ok(pair.outgoing.statistics.ram.transferred > transferred);
  assert.ok(pages > 73, `${pages} pages`);
  assert.equal(pair.outgoing.error, undefined);
  close(pair);
});

test('what has arrived whole is not sent again', async () => {
  // 256 pages go in one record: with more RAM than that, the first record arrives and the second does not.
  const pair = new Pair({
    ...options,
    devices: [],
    ram: [512 * PAGE],
    channel: {},
    wrap: cutAfter(300 * PAGE),
  });
  pair.start();
  await pair.clock.advanceUntil(() => pair.paused);
  pair.reconnect();
  await pair.finish();
  assertArrived(pair);
  // 512 pages, 256 of them twice, and the one that the guest writes before it is stopped.
  assert.equal(pair.outgoing.statistics.ram.normal, 512 + 256 + 1);
  close(pair);
});

test('the statuses and events of both sides', async () => {
  const pair = new Pair({
    ...options,
    devices: [{ id: 'nic0', model: 'nic' }],
    wrap: cutAfter(40 * PAGE),
  });
  pair.start();
  await pair.clock.advanceUntil(() => pair.paused);
  pair.reconnect();
  await pair.finish();
  assertArrived(pair);
  assert.deepEqual(pair.source.events, [
    'MIGRATION setup',
    'pre-copy',
    'MIGRATION active',
    'running',
    'MIGRATION postcopy-paused',
    'MIGRATION postcopy-recover-setup',
    'MIGRATION postcopy-recover',
    'pre-copy',
    'MIGRATION active',
    'pre-copy-p2p',
    'stop-copy',
    'STOP',
    'MIGRATION device',
    'MIGRATION completed',
    'stop',
  ]);
  assert.deepEqual(pair.destination.events, [
    'MIGRATION setup',
    'MIGRATION active',
    'resuming',
    'MIGRATION postcopy-paused',
    'MIGRATION postcopy-recover-setup',
    'MIGRATION postcopy-recover',
    'MIGRATION active',
    'RESUME',
    'running-p2p',
    'running',
    'MIGRATION completed',
  ]);
  close(pair);
});

for (const side of ['outgoing', 'incoming'] as const) {
  test(`the ${side} side breaks the connection on purpose`, async () => {
    const pair = new Pair(options);
    assert.equal(pair[side].pause(), false);
    pair.start();
    await drive(pair, () => pair.outgoing.status === 'active' && pair.clock.now() > 20);
    assert.equal(pair[side].pause(), true);
    await drive(pair, () => pair.paused);
    assert.equal(pair[side].pause(), false);
    pair.reconnect();
    await drive(pair, () => pair.done);
    assertArrived(pair);
    assert.equal(pair[side].pause(), false);
    close(pair);
  });

  test(`where the ${side} side was not told to keep it, a break ends the migration`, async () => {
    const pair = new Pair({ ...without(side), wrap: cutAfter(40 * PAGE) });
    pair.start();
    await drive(pair, () => pair.done);
    assert.equal(pair.outcome, 'failed');
    assert.equal(pair.incomingOutcome, 'failed');
    assert.equal(pair.source.runState, 'running');
    close(pair);
  });
}

test('a migration that waits can be cancelled on both sides', async () => {
  const pair = new Pair({ ...options, wrap: cutAfter(40 * PAGE) });
  pair.start();
  await drive(pair, () => pair.paused);
  pair.outgoing.cancel();
  pair.incoming.cancel();
  await drive(pair, () => pair.done);
  assert.equal(pair.outcome, 'cancelled');
  assert.equal(pair.incomingOutcome, 'cancelled');
  assert.equal(pair.incoming.status, 'failed');
  assert.equal(pair.source.runState, 'running');
  assert.equal(pair.source.dirtyLog.active, false);
  assert.equal(pair.destination.runState, 'inmigrate');
  for (const model of pair.source.models) assert.equal(model.dmaLogging.active, false);
  close(pair);
});

test('an attempt to go on that fails leaves both waiting, for another', async () => {
  const pair = new Pair({ ...options, wrap: cutAfter(40 * PAGE) });
  pair.start();
  await drive(pair, () => pair.paused);
  pair.incoming.recover(() => Promise.reject(new Error('no such address')));
  pair.outgoing.resume(() => Promise.reject(new Error('nobody there')));
  await drive(pair, () => pair.paused && pair.outgoing.error?.message === 'nobody there');
  assert.equal(pair.incoming.error?.message, 'no such address');
  pair.reconnect(cutAfter(30));
  await drive(pair, () => pair.paused);
  pair.reconnect();
  await drive(pair, () => pair.done);
  assertArrived(pair);
  close(pair);
});

test('neither a stranger nor a machine that waits for nobody takes a migration up', async () => {
  const broken = async (recoverAs: string) => {
    const pair = new Pair({ ...options, outgoing: { recoverAs }, wrap: cutAfter(40 * PAGE) });
    pair.start();
    await drive(pair, () => pair.paused);
    return pair;
  };
  const [one, other] = [await broken('a'), await broken('b')];
  const fresh = new Pair(options);
  const settled = () => one.clock.advance(1).then(() => other.clock.advance(1));

  const [toOne, fromOther] = memoryChannelPair();
  one.incoming.recover(async () => toOne);
  other.outgoing.resume(async () => fromOther);
  while (!one.paused || !other.paused) await settled();
  const refused = 'this is not the source of the migration that waits to be taken up';
  assert.equal(one.incoming.error?.message, refused);
  assert.equal(other.outgoing.error?.message, `the destination failed: ${refused}`);

  const [toFresh, again] = memoryChannelPair();
  const freshOutcome = fresh.incoming.start(toFresh);
  other.outgoing.resume(async () => again);
  do await settled();
  while (!other.paused);
  assert.equal(await freshOutcome, 'failed');
  assert.equal(fresh.incoming.error?.message, 'the source takes up a migration that did not begin here');

  for (const pair of [one, other]) {
    pair.reconnect();
    await drive(pair, () => pair.done);
    assertArrived(pair);
    close(pair);
  }
  close(fresh);
});

test('wherever connections break, again and again, one guest runs whole in the end', async () => {
  const way = fc.constantFrom<'out' | 'back'>('out', 'back');
  const fault = fc.record({
    kind: fc.constantFrom('cut' as const, 'stall' as const),
    offset: fc.nat(120 * PAGE),
  });
  const faults = fc.array(fc.tuple(fault, way, fc.nat(3)), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(
      faults,
      fc.boolean(),
      fc.nat(3),
      fc.boolean(),
      async (breaks, stopped, channels, shares) => {
        const wraps = breaks.map(([each, direction, broken]): PairOptions['wrap'] => {
          let opened = -1;
          return (source, destination) => {
            if (++opened !== broken % (channels + 1)) return [source, destination];
            // On the way back there are a few dozen bytes only, and only on the main channel.
            const back = { ...each, offset: each.offset % 40 };
            // Pages that the destination copies by itself are no bytes on the way.
            const offset = shares ? each.offset % 6000 : each.offset;
            const out = { ...each, offset: Math.floor(offset / (channels + 1)) };
            return direction === 'out' || opened > 0
              ? [new FaultyChannel(source, out), destination]
              : [source, new FaultyChannel(destination, back)];
          };
        });
        const [first, ...others] = wraps;
        const runState = stopped ? 'paused' : 'running';
        const pair = new Pair({
          ...options,
          runState,
          shares,
          parameters: { ...options.parameters, 'max-bandwidth': shares ? 2 << 20 : 0 },
          ...(channels === 0 ? {} : { channels }),
          ...(first === undefined ? {} : { wrap: first }),
        });
        pair.start();
        const patience = { ms: 3000 };
        while (!pair.done && patience.ms-- > 0) {
          assert.ok(pair.runningGuests <= 1, 'two guests run');
          if (pair.paused) pair.reconnect(others.shift());
          // One side has ended, or will never know that the other is gone: somebody ends it.
          else if (pair.outcome !== undefined && pair.incoming.status === 'postcopy-paused') {
            pair.incoming.cancel();
          } else if (pair.incomingOutcome !== undefined && pair.outgoing.status === 'postcopy-paused') {
            pair.outgoing.cancel();
          } else if (patience.ms === 1000) pair.outgoing.cancel();
          if (pair.source.running) pair.source.writePage();
          await pair.clock.advance(patience.ms > 2000 ? 1 : 50);
        }
        assert.ok(pair.done, `source ${pair.outgoing.status}, destination ${pair.incoming.status}`);
        if (pair.outcome === 'completed') {
          assert.equal(pair.source.runState, 'postmigrate');
          assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
        } else {
          assert.equal(pair.source.runState, runState);
          for (const { state } of pair.source.models) {
            assert.ok(state === DeviceState.RUNNING || (stopped && state === DeviceState.STOP), `${state}`);
          }
          assert.equal(pair.source.dirtyLog.active, false);
        }
        close(pair);
      },
    ),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test('over several channels, too, what has arrived whole is not sent again, whichever channel breaks', async () => {
  for (const broken of [1, 2, 3]) {
    const pair = new Pair({
      ...options,
      devices: [],
      ram: [2048 * PAGE],
      channels: 3,
      channel: {},
      wrap: (source, destination, number) => {
        const fault = { kind: 'cut', offset: 300 * PAGE } as const;
        return [number === broken ? new FaultyChannel(source, fault) : source, destination];
      },
    });
    pair.start();
    await pair.clock.advanceUntil(() => pair.paused);
    const { normal } = pair.outgoing.statistics.ram;
    assert.ok(normal > 600, `${normal} pages before channel ${broken} breaks`);
    pair.reconnect();
    await pair.finish();
    assertArrived(pair);
    // No more than what each channel had under way, and what the guest wrote, goes twice.
    assert.ok(
      pair.outgoing.statistics.ram.normal <= 2048 + 4 * 256 + 1,
      `${pair.outgoing.statistics.ram.normal}`,
    );
    close(pair);
  }
});

test('a page that went over several channels arrives in its last version, however often connections break', async () => {
  // What breaks before the destination has accepted ends the migration; later connections may break anywhere.
  const firstOffset = fc.integer({ min: 100, max: 60 * PAGE });
  const offsets = fc.tuple(firstOffset, fc.array(fc.nat(60 * PAGE), { maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(offsets, fc.nat(), async ([first, others], seed) => {
      const random = seededRandom(seed);
      const wrapWith = (offset: number | undefined): NonNullable<PairOptions['wrap']> => {
        const broken = Math.floor(random() * 3);
        let opened = -1;
        return (source, destination) => {
          opened++;
          const late = new LateChannel(source, pair.clock, random);
          if (offset === undefined || opened !== 1 + broken) return [late, destination];
          return [new FaultyChannel(late, { kind: 'cut', offset }), destination];
        };
      };
      const left = [...others];
      const firstWrap = wrapWith(first);
      const pair = new Pair({
        ...options,
        channels: 3,
        parameters: { 'downtime-limit': 2000 },
        wrap: (...ends) => firstWrap(...ends),
      });
      pair.start();
      await drive(pair, () => {
        if (pair.paused) pair.reconnect(wrapWith(left.shift()));
        return pair.done;
      });
      assertArrived(pair);
      close(pair);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
