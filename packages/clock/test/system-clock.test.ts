import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from '../src/index.js';

test('a timer never comes early, however long the turn of the event loop that set it', async () => {
  const clock = new SystemClock();
  for (const delayMs of [1, 5, 20]) {
    await new Promise((resolve) => setImmediate(resolve));
    const busyUntil = clock.now() + 10;
    while (clock.now() < busyUntil);
    const start = clock.now();
    await new Promise<void>((resolve) => {
      clock.setTimer(resolve, delayMs);
    });
    assert.ok(clock.now() - start >= delayMs);
  }
});

test('a timer that waits a second time can be cancelled', async () => {
  const clock = new SystemClock();
  let calls = 0;
  const timer = clock.setTimer(() => calls++, 2 ** 40);
  await new Promise<void>((resolve) => {
    clock.setTimer(resolve, 1);
  });
  timer.cancel();
  assert.equal(calls, 0);
});
