import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkRegion,
  DeviceLogic,
  encodeField,
  type MigrationRegion,
  MODELS,
  REGION_RULES,
  reportText,
  V1_FIELDS,
  type V1FieldName,
  V1State,
  VendorDriver,
} from '../src/index.js';
import { rig } from './rig.js';

function region(model = 'nic', mapped = true): MigrationRegion {
  const { device, memory } = rig(model, { p2p: false });
  return new VendorDriver(new DeviceLogic(device, memory.bytes.length), { areaSize: 8192, mapped });
}

/** Devices of these tests have no timers to be rid of. */
const candidate = (made: MigrationRegion) => ({ region: made, close: () => {} });

for (const model of MODELS.keys()) {
  for (const mapped of [true, false]) {
    test(`the region of a ${model} keeps every rule (${mapped ? 'mapped' : 'trapped'} data area)`, async () => {
      const preCopy = MODELS.get(model)!.flags.preCopy;
      const report = await checkRegion(() => candidate(region(model, mapped)), { preCopy });
      assert.equal(report.failed, 0, reportText(model, report));
      assert.equal(report.passed, REGION_RULES.length);
    });
  }
}

interface Changes {
  /** Answers of fields, given the true one. */
  readonly answers?: Partial<Record<V1FieldName, (bytes: Uint8Array) => Uint8Array>>;
  /** What becomes of a write. */
  readonly write?: (inner: MigrationRegion, offset: number, from: Uint8Array) => Promise<void>;
  readonly read?: (inner: MigrationRegion, offset: number, into: Uint8Array) => Promise<void>;
  readonly region?: Partial<MigrationRegion>;
}

function wrong(changes: Changes): MigrationRegion {
  const inner = region();
  return {
    type: inner.type,
    subtype: inner.subtype,
    size: inner.size,
    mappedAreas: inner.mappedAreas,
    map: (offset, length) => inner.map(offset, length),
    write: (offset, from) => changes.write?.(inner, offset, from) ?? inner.write(offset, from),
    read: async (offset, into) => {
      await (changes.read?.(inner, offset, into) ?? inner.read(offset, into));
      for (const [name, answer] of Object.entries(changes.answers ?? {})) {
        const field = V1_FIELDS[name as V1FieldName];
        if (field.offset === offset && field.size === into.length) into.set(answer(into));
      }
    },
    ...changes.region,
  };
}

const swallow = async (attempt: Promise<void>) => attempt.catch(() => {});
const stateOf = (bytes: Uint8Array) => bytes[0];

/** What is wrong with each driver, and the rules that find it. */
const WRONG: readonly (readonly [string, readonly string[], () => MigrationRegion])[] = [
  ['has the wrong type', ['region/shape'], () => wrong({ region: { type: 7 } })],
  [
    'says RUNNING whatever it was asked for',
    ['region/states', 'region/runs-again', 'region/resume'],
    () => wrong({ answers: { device_state: () => encodeField('device_state', V1State.RUNNING) } }),
  ],
  [
    'takes a number that is no state',
    ['region/no-state'],
    () =>
      wrong({
        write: async (inner, offset, from) => {
          if (offset !== 0 || (stateOf(from) ?? 0) < 10) await inner.write(offset, from);
        },
      }),
  ],
  [
    'does not run again after it failed',
    ['region/runs-again'],
    () => {
      let failed = false;
      return wrong({
        write: async (inner, offset, from) => {
          if (offset === 0 && stateOf(from) === V1State.MIGRATION_FAILED) failed = true;
          if (!(failed && offset === 0 && stateOf(from) === V1State.RUNNING)) await inner.write(offset, from);
        },
      });
    },
  ],
  [
    'always has the same amount pending',
    ['region/pending', 'region/states', 'region/resume'],
    () => wrong({ answers: { 'pending.compatible': () => encodeField('pending.compatible', 1 << 20) } }),
  ],
  [
    'has its data inside of the structure',
    ['region/pending', 'region/resume'],
    () => wrong({ answers: { 'data.offset': () => encodeField('data.offset', 8) } }),
  ],
  [
    'gives buffers while it runs',
    ['region/idle'],
    () => wrong({ read: (inner, offset, into) => swallow(inner.read(offset, into)) }),
  ],
  [
    'takes half a state for a whole one',
    ['region/truncated'],
    () => {
      let pretends = false;
      return wrong({
        write: async (inner, offset, from) => {
          await inner.write(offset, from).catch((error) => {
            pretends = offset === 0 && stateOf(from) === V1State.MIGRATION_RESUME_COMPLETED;
            if (!pretends) throw error;
          });
        },
        answers: {
          device_state: (bytes) =>
            pretends ? encodeField('device_state', V1State.MIGRATION_RESUME_COMPLETED) : bytes,
        },
      });
    },
  ],
  [
    'takes data from anywhere',
    ['region/bad-buffer', 'region/idle'],
    () =>
      wrong({
        write: (inner, offset, from) => {
          const isSize = offset === V1_FIELDS['data.size'].offset;
          return isSize ? swallow(inner.write(offset, from)) : inner.write(offset, from);
        },
      }),
  ],
  [
    'lets fields be split',
    ['region/split'],
    () =>
      wrong({
        read: async (inner, offset, into) =>
          into.length === 4 && offset > 0 ? undefined : inner.read(offset, into),
      }),
  ],
  [
    'reports more pages than it was asked for',
    ['region/bitmap'],
    () => wrong({ answers: { 'dirty_pfns.copied': () => encodeField('dirty_pfns.copied', 1000) } }),
  ],
];

for (const [what, expected, make] of WRONG) {
  test(`a driver that ${what} is found out`, async () => {
    const report = await checkRegion(() => candidate(make()));
    const failed = report.results.filter((result) => result.outcome === 'failed').map((result) => result.id);
    for (const id of expected) assert.ok(failed.includes(id), `${id} is not among ${failed.join(', ')}`);
  });
}

test('every rule finds at least one of the wrong drivers', () => {
  const found = new Set(WRONG.flatMap(([, ids]) => ids));
  assert.deepEqual(
    REGION_RULES.map((rule) => rule.id).filter((id) => !found.has(id)),
    [],
  );
});
