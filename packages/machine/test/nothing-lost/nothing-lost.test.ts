import { test } from 'node:test';
import fc from 'fast-check';
import { anyDevices, anyFault, anyWay } from './fault.js';
import { runTrial } from './trial.js';

const RUNS = Number(process.env.GODWIT_FUZZ_RUNS ?? 20);

test('whatever goes wrong with a machine that migrates, one guest runs whole and nothing is left', async () => {
  await fc.assert(fc.asyncProperty(anyFault, anyDevices, anyWay, runTrial), {
    numRuns: RUNS,
    includeErrorInReport: true,
  });
});
