import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delay, VirtualClock } from '../src/index.js';

test('timers run in order of time, then of creation, and see their own time', async () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  clock.setTimer(() => seen.push(`late@${clock.now()}`), 20);
  clock.setTimer(() => seen.push(`first@${clock.now()}`), 10);
  clock.setTimer(() => seen.push(`second@${clock.now()}`), 10);
  await clock.advance(15);
  assert.deepEqual(seen, ['first@10', 'second@10']);
  assert.equal(clock.now(), 15);
  await clock.advance(5);
  assert.deepEqual(seen, ['first@10', 'second@10', 'late@20']);
});

test('a timer set by a timer falls due within the same advance', async () => {
  const clock = new VirtualClock();
  let ticks = 0;
  const tick = () => {
    ticks++;
    clock.setTimer(tick, 10);
  };
  clock.setTimer(tick, 10);
  await clock.advance(100);
  assert.equal(ticks, 10);
  assert.equal(clock.pendingTimers, 1);
});

test('a cancelled timer does not run', async () => {
  const clock = new VirtualClock();
  const timer = clock.setTimer(() => assert.fail('ran'), 5);
  timer.cancel();
  timer.cancel();
  await clock.advance(10);
  assert.equal(clock.pendingTimers, 0);
});

test('advanceUntil stops as soon as the condition holds and gives up at its limit', async () => {
  const clock = new VirtualClock(1_000_000);
  let done = false;
  void delay(clock, 7).then(() => {
    done = true;
  });
  await clock.advanceUntil(() => done);
  assert.equal(clock.now(), 7);
  assert.equal(clock.wallMicroseconds(), 1_007_000);
  await assert.rejects(
    clock.advanceUntil(() => false, 50),
    /does not hold after 50 ms/,
  );
});
