import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultParameters, type MigrationParameters } from '../src/index.js';
import { Throttle } from '../src/outgoing/throttle.js';

/** What the vCPUs are slowed down by after each of these periods. */
function percentages(
  dirtyPercentages: readonly number[],
  parameters: Partial<MigrationParameters>,
  enabled = true,
): number[] {
  const told: number[] = [];
  const dirtyLog = { start() {}, stop() {}, collect() {}, throttle: (each: number) => told.push(each) };
  const throttle = new Throttle(dirtyLog, { ...defaultParameters, ...parameters }, enabled);
  const after = dirtyPercentages.map((dirty) => {
    throttle.endPeriod(dirty);
    return throttle.percentage;
  });
  throttle.release();
  assert.equal(throttle.percentage, 0);
  if (after.some((each) => each > 0)) assert.equal(told.at(-1), 0, 'the vCPUs run freely in the end');
  return after;
}

test('a guest is slowed down from the first percentage to the last one, step by step', () => {
  const parameters = { 'cpu-throttle-initial': 30, 'cpu-throttle-increment': 25, 'max-cpu-throttle': 90 };
  assert.deepEqual(percentages([100, 100, 100, 100, 100], parameters), [30, 55, 80, 90, 90]);
});

test('below the threshold it stays as it is', () => {
  const parameters = { 'throttle-trigger-threshold': 60 };
  assert.deepEqual(percentages([59, 60, 59, 10, 61], parameters), [0, 20, 20, 20, 30]);
});

test('with tailslow the last steps are as small as what is missing', () => {
  const parameters = { 'cpu-throttle-tailslow': true, 'throttle-trigger-threshold': 50 };
  // Of the 80 % that it still runs, 80 × (1 - 50/52) are too many; at 100 % dirty half of it is, more than a step.
  assert.deepEqual(
    percentages([100, 52], parameters).map((each) => Math.round(each * 100) / 100),
    [20, 23.08],
  );
  assert.deepEqual(percentages([100, 100], parameters), [20, 30]);
});

test('without auto-converge nobody is slowed down', () => {
  assert.deepEqual(percentages([100, 200], {}, false), [0, 0]);
});
