import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Habit } from '../src/index.js';

test('a habit is counted on as long as it shows, and tried again now and then', () => {
  const habit = new Habit();
  const trials: number[] = [];
  for (let time = 1; time <= 70; time++) {
    if (!habit.expected()) continue;
    trials.push(time);
    // It has the habit for a while after the first trial.
    habit.learn(time >= 32 && time < 36);
  }
  assert.deepEqual(trials, [32, 33, 34, 35, 36, 68]);
});
