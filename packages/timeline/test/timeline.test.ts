import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import {
  applyEvent,
  deviceOutage,
  drawTimeline,
  emptyTimeline,
  formatMs,
  guestOutage,
  lengthOf,
  type Side,
  switchoverPhases,
  type TimedEvent,
  type Timeline,
} from '../src/index.js';

const epoch = 1_700_000_000;

function at(ms: number, event: string, data?: Record<string, unknown>): TimedEvent {
  const seconds = epoch + Math.floor(ms / 1000);
  const timestamp = { seconds, microseconds: Math.round((ms % 1000) * 1000) };
  return data === undefined ? { event, timestamp } : { event, data, timestamp };
}

function device(ms: number, id: string, state: string, event = 'VFIO_MIGRATION'): TimedEvent {
  const qomPath = `/machine/peripheral/${id}`;
  return at(ms, event, { 'device-id': id, 'qom-path': qomPath, 'device-state': state });
}

function play(events: readonly (readonly [Side, TimedEvent])[]): Timeline {
  return events.reduce((timeline, [side, event]) => applyEvent(timeline, side, event), emptyTimeline());
}

const completed: readonly (readonly [Side, TimedEvent])[] = [
  ['source', at(0, 'MIGRATION', { status: 'setup' })],
  ['source', device(1, 'nic', 'pre-copy')],
  ['source', at(2, 'MIGRATION', { status: 'active' })],
  ['destination', device(3, 'nic', 'resuming')],
  ['source', device(1000, 'nic', 'pre-copy-p2p')],
  ['source', device(1001, 'nic', 'stop-copy')],
  ['source', at(1002, 'STOP')],
  ['source', at(1002.5, 'MIGRATION', { status: 'device' })],
  ['destination', at(1080, 'RESUME')],
  ['destination', device(1081, 'nic', 'running-p2p')],
  ['destination', device(1081.25, 'nic', 'running')],
  ['source', at(1082, 'MIGRATION', { status: 'completed' })],
  ['source', device(1083, 'nic', 'stop')],
];

test('a completed migration: the guest is down from STOP to RESUME, a device from stop-copy to running', () => {
  const timeline = play(completed);
  assert.deepEqual(
    timeline.source.devices.map((one) => one.states.map((change) => change.value)),
    [['pre-copy', 'pre-copy-p2p', 'stop-copy', 'stop']],
  );
  assert.equal(lengthOf(guestOutage(timeline)), 78);
  assert.equal(lengthOf(deviceOutage(timeline, '/machine/peripheral/nic')), 80.25);
});

test('a migration that went back: the guest and its device are down until the source runs again', () => {
  const timeline = play([
    ...completed.slice(0, 8),
    ['source', at(1100, 'MIGRATION', { status: 'failed' })],
    ['source', at(1101, 'RESUME')],
    ['source', device(1102, 'nic', 'running-p2p')],
    ['source', device(1103, 'nic', 'running')],
  ]);
  assert.equal(lengthOf(guestOutage(timeline)), 99);
  assert.equal(lengthOf(deviceOutage(timeline, '/machine/peripheral/nic')), 102);
});

test('what has not come back has an outage without an end, what never left has none', () => {
  const timeline = play(completed.slice(0, 8));
  assert.deepEqual(guestOutage(timeline)?.end, undefined);
  assert.equal(lengthOf(guestOutage(timeline)), undefined);
  assert.equal(guestOutage(play(completed.slice(0, 5))), undefined);
  assert.equal(deviceOutage(timeline, '/machine/peripheral/other'), undefined);
});

test('a second migration of the same machine is measured by its own STOP', () => {
  const timeline = play([
    ...completed.slice(0, 8),
    ['source', at(1101, 'RESUME')],
    ['source', device(1103, 'nic', 'running')],
    ['source', device(5000, 'nic', 'stop-copy')],
    ['source', at(5001, 'STOP')],
    ['destination', at(5011, 'RESUME')],
    ['destination', device(5012, 'nic', 'running')],
  ]);
  assert.equal(lengthOf(guestOutage(timeline)), 10);
  assert.equal(lengthOf(deviceOutage(timeline, '/machine/peripheral/nic')), 12);
});

test('notices are kept apart from states, devices without an id are told by their path', () => {
  const anonymous = at(5, 'VFIO_MIGRATION', {
    'device-id': '',
    'qom-path': '/machine/peripheral-anon/device[0]',
    'device-state': 'stop',
  });
  const timeline = play([
    ['source', device(4, 'nic', 'stop', 'VFIO_MIGRATION_PREPARE')],
    ['source', anonymous],
    ['source', device(6, 'nic', 'stop')],
  ]);
  assert.deepEqual(
    timeline.source.devices.map(({ id, qomPath, states, announced }) => [
      id,
      qomPath,
      states.length,
      announced.length,
    ]),
    [
      ['nic', '/machine/peripheral/nic', 1, 1],
      ['', '/machine/peripheral-anon/device[0]', 1, 0],
    ],
  );
});

test('the reducer changes nothing in place, and events that it cannot use give back the same timeline', () => {
  const timeline = play(completed);
  const copy = structuredClone(timeline);
  applyEvent(timeline, 'source', device(2000, 'nic', 'running'));
  assert.deepEqual(timeline, copy);
  fc.assert(
    fc.property(fc.anything(), (data) => {
      const event = { event: 'VFIO_MIGRATION', data, timestamp: { seconds: 1n, microseconds: 2n } };
      const usable =
        typeof data === 'object' && data !== null && 'qom-path' in data && 'device-state' in data;
      assert.equal(applyEvent(timeline, 'source', event) === timeline, !usable);
    }),
  );
  assert.equal(applyEvent(timeline, 'source', at(1, 'RTC_CHANGE', { offset: 1 })), timeline);
});

test('a drawing shows each state to scale, the switchover enlarged, STOP and RESUME where they were', () => {
  const lines = drawTimeline(play(completed), { width: 80 });
  assert.deepEqual(lines, expected);
});

test('a drawing in colour is the plain one with colours: green for what runs, bold for the second heading', () => {
  const timeline = play(completed);
  const plain = drawTimeline(timeline, { width: 100 });
  const coloured = drawTimeline(timeline, { width: 100, colour: true });
  assert.deepEqual(plain.map(stripVTControlCharacters), plain);
  assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
  assert.ok(coloured.some((line) => line.includes('\u001b[32m━')));
  assert.ok(coloured.some((line) => line.endsWith('\u001b[1mthe switchover, enlarged\u001b[0m')));
});

test('an event of a device that says no state, or not which device, is passed over', () => {
  const empty = emptyTimeline();
  for (const data of [
    { 'qom-path': '/machine/peripheral/nic' },
    { 'device-state': 'stop' },
    {},
    null,
    'stop',
  ]) {
    const { timestamp } = at(1, 'x');
    assert.equal(applyEvent(empty, 'source', { event: 'VFIO_MIGRATION', data, timestamp }), empty);
  }
});

test('a drawing never exceeds its width, whatever the events', () => {
  const states = ['running', 'stop', 'stop-copy', 'pre-copy', 'pre-copy-p2p', 'resuming', 'new-state'];
  const event = fc.oneof(
    fc.record({ ms: fc.nat(5000), state: fc.constantFrom(...states), id: fc.constantFrom('nic', 'gpu') }),
    fc.record({ ms: fc.nat(5000), run: fc.constantFrom('STOP', 'RESUME') }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom<Side>('source', 'destination'), event), { maxLength: 30 }),
      fc.integer({ min: 60, max: 200 }),
      (entries, width) => {
        const timeline = play(
          entries
            .sort(([, a], [, b]) => a.ms - b.ms)
            .map(([side, one]) => [
              side,
              'run' in one ? at(one.ms, one.run) : device(one.ms, one.id, one.state),
            ]),
        );
        for (const line of drawTimeline(timeline, { width })) assert.ok([...line].length <= width, line);
      },
    ),
  );
});

test('an empty timeline draws nothing; milliseconds read well', () => {
  assert.deepEqual(drawTimeline(emptyTimeline(), { width: 80 }), []);
  assert.equal(formatMs(7.26), '7.3 ms');
  assert.equal(formatMs(1234.5), '1235 ms');
});

const expected: readonly string[] = [
  '                                                               STOP▼   ▼RESUME',
  'migration     │active                                              │dev│complet',
  'source guest  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━············',
  'source nic    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░█████·······',
  'dest guest                                                             ━━━━━━━━',
  'dest nic      ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓━━━━━━━━',
  '              0.0 ms                       606 ms                       1213 ms',
  '',
  '              the switchover, enlarged',
  '                STOP▼───────────────────── 78.0 ms ─────────────────────▼RESUME',
  'migration     │activ│device                                               │comp',
  'source guest  ━━━━━━···························································',
  'source nic    ░░░░▒███████████████████████████████████████████████████████·····',
  'dest guest                                                              ━━━━━━━',
  'dest nic      ▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓▓━━━━━━',
  '              993 ms                      1041 ms                       1089 ms',
  '',
  '              ━━ running   ┅┅ running-p2p   ░░ pre-copy   ▒▒ pre-copy-p2p',
  '              ██ stop-copy   ▓▓ resuming   ·· stop',
];

/** Names and lengths in milliseconds; a phase that lasts has none. */
function phases(timeline: Timeline): string[] {
  return switchoverPhases(timeline).map((phase) => `${phase.name} ${lengthOf(phase) ?? '…'}`);
}

test('a switchover is split into what the guest stands still for, from the first device that stops to the last that runs', () => {
  const two = play([
    ['source', device(10, 'nic', 'pre-copy')],
    ['source', device(20, 'gpu', 'pre-copy')],
    ['source', device(1000, 'gpu', 'pre-copy-p2p', 'VFIO_MIGRATION_PREPARE')],
    ['source', device(1004, 'gpu', 'pre-copy-p2p')],
    ['source', device(1010, 'nic', 'pre-copy-p2p')],
    ['source', device(1015, 'gpu', 'stop-copy')],
    ['source', device(1020, 'nic', 'stop-copy')],
    ['source', at(1020, 'STOP')],
    ['source', at(1020, 'MIGRATION', { status: 'device' })],
    ['destination', at(1100, 'RESUME')],
    ['destination', device(1101, 'nic', 'running-p2p')],
    ['destination', device(1103, 'gpu', 'running-p2p')],
    ['destination', device(1107, 'nic', 'running')],
    ['destination', device(1109, 'gpu', 'running')],
    ['source', at(1112, 'MIGRATION', { status: 'completed' })],
    ['source', device(1120, 'nic', 'stop')],
  ]);
  assert.deepEqual(phases(two), ['devices stop 20', 'send and load 80', 'devices start 9']);
});

test('a switchover that waits to be continued, and one that is taken back, say so', () => {
  const waiting = play([
    ...completed.slice(0, 7),
    ['source', at(1003, 'MIGRATION', { status: 'pre-switchover' })],
    ['source', at(1053, 'MIGRATION', { status: 'device' })],
    ['destination', at(1060, 'RESUME')],
  ]);
  assert.deepEqual(phases(waiting), [
    'devices stop 2',
    'send and load 1',
    'wait to continue 50',
    'send and load 7',
    'devices start …',
  ]);
  const back = play([
    ...completed.slice(0, 8),
    ['source', at(1050, 'MIGRATION', { status: 'failed' })],
    ['source', at(1060, 'RESUME')],
    ['source', device(1063, 'nic', 'running')],
  ]);
  assert.deepEqual(phases(back), ['devices stop 2', 'send and load 48', 'take back 10', 'devices start 3']);
});

test('a guest without devices, and one that has never stopped', () => {
  const bare = play(completed.filter(([, { event }]) => event !== 'VFIO_MIGRATION'));
  assert.deepEqual(phases(bare), ['send and load 78']);
  assert.deepEqual(phases(play(completed.slice(0, 5))), []);
});

test('the drawing names the statuses of the migration, and ends the devices of a guest that does not arrive', () => {
  const failed = play([
    ...completed.slice(0, 4),
    ['source', at(500, 'MIGRATION', { status: 'failed' })],
    ['destination', at(500, 'MIGRATION', { status: 'failed' })],
    ['source', device(1000, 'nic', 'running')],
  ]);
  const lines = drawTimeline(failed, { width: 60 });
  assert.match(lines[0]!, /^migration +│active +│failed$/);
  const source = lines.find((line) => line.startsWith('source nic'))!;
  const destination = lines.find((line) => line.startsWith('dest nic'))!;
  assert.match(destination, /▓$/);
  assert.ok(destination.length < source.length - 10);
});
