import assert from 'node:assert/strict';
import { test } from 'node:test';
import { migrationBlockers } from '../src/index.js';
import { TestMachine } from './test-machine.js';

function devices(...p2p: readonly boolean[]) {
  const machine = new TestMachine({
    devices: p2p.map((on, index) => ({ id: `dev${index}`, model: 'nic', properties: { p2p: on } })),
  });
  const entries = machine.devices();
  machine.close();
  return entries;
}

const P2P_TEXT = 'Multiple VFIO devices migration is supported only if all of them support P2P migration';

test('several devices migrate only if all support P2P; one does without', () => {
  assert.deepEqual(migrationBlockers([]), []);
  assert.deepEqual(migrationBlockers(devices(false)), []);
  assert.deepEqual(migrationBlockers(devices(true, true, true)), []);
  assert.deepEqual(migrationBlockers(devices(true, false)), [P2P_TEXT]);
});

test('what keeps a single device is said with its name', () => {
  const [first, second] = devices(true, true);
  assert.deepEqual(
    migrationBlockers([
      { ...first!, blocker: 'unsupported' },
      { ...second!, blocker: 'disabled' },
      { ...second!, name: 'dev2', blocker: 'no-dirty-tracking' },
    ]),
    [
      'dev0: VFIO migration is not supported in kernel',
      'dev1: Migration is disabled for VFIO device',
      "dev2: VFIO device doesn't support device and IOMMU dirty tracking",
    ],
  );
});
