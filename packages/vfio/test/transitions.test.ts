import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ARCS,
  arcName,
  DEVICE_STATES,
  DeviceState,
  flagBits,
  flagsOfBits,
  MigrationFlag,
  nextState,
  offersState,
  pathTo,
  stateName,
  stateNamed,
  streamEffect,
  VfioError,
} from '../src/index.js';

const { ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P } = DeviceState;

/**
 * linux/vfio.h states the machine in prose: these arcs, and combinations of them that are the shortest way and have no state of
 * the saving group inside, unless the way stays in that group; pre-copy is not reached from STOP_COPY; a missing state is skipped.
 */
const SINGLE_ARCS: readonly (readonly [DeviceState, DeviceState])[] = [
  [RUNNING_P2P, STOP],
  [STOP_COPY, STOP],
  [STOP, RUNNING_P2P],
  [RESUMING, STOP],
  [STOP, RESUMING],
  [STOP, STOP_COPY],
  [PRE_COPY_P2P, STOP_COPY],
  [RUNNING, RUNNING_P2P],
  [RUNNING_P2P, RUNNING],
  [PRE_COPY, RUNNING],
  [RUNNING, PRE_COPY],
  [PRE_COPY_P2P, RUNNING_P2P],
  [RUNNING_P2P, PRE_COPY_P2P],
  [PRE_COPY, PRE_COPY_P2P],
  [PRE_COPY_P2P, PRE_COPY],
];
const SAVING = [STOP_COPY, PRE_COPY, PRE_COPY_P2P] as DeviceState[];

function specifiedPath(from: DeviceState, to: DeviceState, bits: number): DeviceState[] | undefined {
  const offered = (state: DeviceState) =>
    (bits & 1) !== 0 &&
    state !== ERROR &&
    ((bits & 2) !== 0 || (state !== RUNNING_P2P && state !== PRE_COPY_P2P)) &&
    ((bits & 4) !== 0 || (state !== PRE_COPY && state !== PRE_COPY_P2P));
  if (!offered(from) || !offered(to)) return undefined;
  if (from === to) return [];
  if (from === STOP_COPY && (to === PRE_COPY || to === PRE_COPY_P2P)) return undefined;
  const insideSaving = SAVING.includes(from) && SAVING.includes(to);
  const ways: DeviceState[][] = [[from]];
  for (const way of ways) {
    for (const [start, end] of SINGLE_ARCS) {
      if (start !== way.at(-1) || way.includes(end)) continue;
      if (end === to) return [...way.slice(1), end].filter(offered);
      if (SAVING.includes(end) && !insideSaving) continue;
      ways.push([...way, end]);
    }
  }
  return undefined;
}

for (const bits of [1, 3, 5, 7]) {
  test(`flags ${bits}: the path between any two states is the one that linux/vfio.h describes`, () => {
    const flags = flagsOfBits(bits);
    assert.equal(flagBits(flags), bits);
    let compared = 0;
    for (const from of DEVICE_STATES) {
      for (const to of DEVICE_STATES) {
        const name = arcName(from, to);
        const expected = specifiedPath(from, to, bits);
        if (expected === undefined) {
          assert.throws(
            () => pathTo(from, to, flags),
            { name: 'VfioError', code: 'EINVAL', errno: 22 },
            name,
          );
        } else {
          assert.deepEqual(pathTo(from, to, flags).map(stateName), expected.map(stateName), name);
          assert.equal(nextState(from, to, flags), expected[0] ?? from, name);
        }
        compared++;
      }
    }
    assert.equal(compared, 64);
  });
}

test('without STOP_COPY a device does not migrate, whatever else it claims', () => {
  for (const bits of [
    0,
    MigrationFlag.P2P,
    MigrationFlag.PRE_COPY,
    MigrationFlag.P2P | MigrationFlag.PRE_COPY,
  ]) {
    assert.throws(() => flagsOfBits(bits), { code: 'ENOTTY' });
  }
});

test('the error state is never offered, asked for, or left', () => {
  for (const bits of [1, 3, 5, 7]) {
    const flags = flagsOfBits(bits);
    assert.equal(offersState(flags, ERROR), false);
    for (const state of DEVICE_STATES) {
      assert.throws(() => nextState(state, ERROR, flags), VfioError);
      assert.throws(() => nextState(ERROR, state, flags), VfioError);
    }
  }
});

test('a data stream is opened by four arcs and kept across the saving group', () => {
  const withEffect = (effect: string) =>
    ARCS.filter((arc) => streamEffect(arc.from, arc.to) === effect).map((arc) => arcName(arc.from, arc.to));
  assert.deepEqual(withEffect('open-saving').toSorted(), [
    'running->pre-copy',
    'running-p2p->pre-copy-p2p',
    'stop->stop-copy',
  ]);
  assert.deepEqual(withEffect('open-resuming'), ['stop->resuming']);
  assert.deepEqual(withEffect('keep').toSorted(), [
    'pre-copy->pre-copy-p2p',
    'pre-copy->stop-copy',
    'pre-copy-p2p->pre-copy',
    'pre-copy-p2p->stop-copy',
  ]);
  assert.deepEqual(withEffect('end').toSorted(), [
    'pre-copy->running',
    'pre-copy-p2p->running-p2p',
    'resuming->stop',
    'stop-copy->stop',
  ]);
});

test('the arcs are the single arcs of linux/vfio.h and those that skip a missing state', () => {
  const expected = SINGLE_ARCS.map(([from, to]) => arcName(from, to));
  expected.push('running->stop', 'stop->running', 'pre-copy->stop-copy');
  assert.deepEqual(ARCS.map((arc) => arcName(arc.from, arc.to)).toSorted(), expected.toSorted());
});

test('a state has one name, and the name leads back to it', () => {
  for (const state of DEVICE_STATES) assert.equal(stateNamed(stateName(state)), state);
  assert.equal(stateNamed('pre-copied'), undefined);
});
