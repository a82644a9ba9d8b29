import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyEvent, emptyTimeline, type Side, type Timeline } from '@godwit/timeline';
import { demoResult, succeeded } from '../../src/demo/result.js';

const PATH = '/machine/peripheral/nic0';

function timelineOf(events: readonly [Side, number, string, object?][]): Timeline {
  return events.reduce(
    (timeline, [side, microseconds, event, data]) =>
      applyEvent(timeline, side, { event, data, timestamp: { seconds: 1000, microseconds } }),
    emptyTimeline(),
  );
}

const device = (state: string) => ({ 'device-id': 'nic0', 'qom-path': PATH, 'device-state': state });
const status = (name: string) => ({ status: name });
const ram = { bytes: 1, transferred: 2, dirtyRounds: 3 };

test('states of both sides are told in order of time, from the start of the migration, with the downtime of each', () => {
  const timeline = timelineOf([
    ['source', 1000, 'MIGRATION', status('setup')],
    ['destination', 2000, 'VFIO_MIGRATION', device('resuming')],
    ['source', 3000, 'VFIO_MIGRATION', device('pre-copy')],
    ['source', 50_000, 'VFIO_MIGRATION', device('stop-copy')],
    ['source', 51_000, 'STOP'],
    ['destination', 91_500, 'RESUME'],
    ['destination', 92_000, 'VFIO_MIGRATION', device('running')],
    ['source', 93_000, 'VFIO_MIGRATION', device('stop')],
  ]);
  const result = demoResult({
    status: 'completed',
    totalMs: 92,
    timeline,
    ram,
    deviceBytes: new Map([[PATH, 77]]),
    verified: { guest: true, devices: true },
  });
  assert.deepEqual(result, {
    status: 'completed',
    totalMs: 92,
    downtimeMs: 40.5,
    ram,
    devices: [
      {
        id: 'nic0',
        qomPath: PATH,
        bytes: 77,
        states: [
          { state: 'resuming', atMs: 1 },
          { state: 'pre-copy', atMs: 2 },
          { state: 'stop-copy', atMs: 49 },
          { state: 'running', atMs: 91 },
          { state: 'stop', atMs: 92 },
        ],
        downtimeMs: 42,
      },
    ],
    verified: { guest: true, devices: true },
  });
  assert.equal(succeeded(result), true);
});

test('a migration that failed before the switchover has no downtime and no success', () => {
  const timeline = timelineOf([
    ['source', 0, 'MIGRATION', status('setup')],
    ['source', 10, 'VFIO_MIGRATION', device('pre-copy')],
    ['source', 20, 'MIGRATION', status('failed')],
    ['source', 30, 'VFIO_MIGRATION', device('running')],
  ]);
  const result = demoResult({
    status: 'failed',
    totalMs: 0.02,
    timeline,
    ram,
    deviceBytes: new Map(),
    verified: { guest: false, devices: false },
  });
  assert.equal(result.downtimeMs, null);
  assert.equal(result.devices[0]!.downtimeMs, null);
  assert.equal(succeeded(result), false);
});

test('a completed migration whose guest or devices are not whole is no success', () => {
  const facts = { status: 'completed', totalMs: 1, timeline: emptyTimeline(), ram, deviceBytes: new Map() };
  for (const verified of [
    { guest: false, devices: true },
    { guest: true, devices: false },
  ]) {
    assert.equal(succeeded(demoResult({ ...facts, verified })), false);
  }
});
