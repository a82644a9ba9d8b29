import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from '../../src/guest/pacer.js';

test('over time as many units fall due as the rate says, however the time is cut', () => {
  for (const step of [1, 3.7, 50]) {
    const pacer = new Pacer(0);
    let units = 0;
    for (let now = step; now <= 10_000; now += step) units += pacer.due(now, 777);
    assert.ok(Math.abs(units - 7770) <= 777 * (step / 1000) + 1, `${units} units in steps of ${step} ms`);
  }
});

test('a rate of less than a unit for each look is kept, not lost', () => {
  const pacer = new Pacer(0);
  let units = 0;
  for (let now = 10; now <= 5000; now += 10) units += pacer.due(now, 2);
  assert.equal(units, 10);
});

test('what a long stop leaves undone is caught up for 100 ms at most', () => {
  const pacer = new Pacer(0);
  assert.equal(pacer.due(60_000, 1000), 100);
});

test('no rate, no work', () => {
  const pacer = new Pacer(0);
  assert.equal(pacer.due(1000, 0), 0);
});
