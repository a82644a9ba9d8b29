import { VfioError } from '../../error.js';
import { V1_FIELDS } from '../../v1/layout.js';
import type { MigrationRegion } from '../../v1/region.js';
import { RegionUser } from '../../v1/region-user.js';
import { V1State, v1StateText } from '../../v1/states.js';
import { KABI, type Rule, Violation } from '../rule.js';
import { describe } from '../trial.js';

/** A fresh device's region each time, in RUNNING; `preCopy` says whether it has anything to give in MIGRATION_PRECOPY. */
export interface RegionTrial {
  region(): Promise<MigrationRegion>;
  readonly preCopy: boolean;
}

const S = V1State;

/** Buffers after which a stopped device is taken never to end. */
const MAX_BUFFERS = 1 << 20;

/** The rules for a migration region itself; the rules of a device are checked through it as well. */
export const REGION_RULES: readonly Rule<RegionTrial>[] = [
  {
    id: 'region/shape',
    title: 'type, subtype and size are right, and no mapped area overlaps the structure or another',
    source: `${KABI}, VFIO_REGION_TYPE_MIGRATION`,
    async check(trial) {
      new RegionUser(await trial.region(), S.RUNNING);
    },
  },
  {
    id: 'region/states',
    title: 'device_state tells the state that was asked for, all the way through saving',
    source: `${KABI}, action "set state"`,
    async check(trial) {
      const user = await open(trial);
      await user.setState(S.MIGRATION_SETUP);
      if (trial.preCopy) await user.setState(S.MIGRATION_PRECOPY);
      await user.setState(S.MIGRATION_STOPNCOPY);
      await saved(user);
      await user.setState(S.MIGRATION_SAVE_COMPLETED);
      await user.setState(S.RUNNING);
    },
  },
  {
    id: 'region/no-state',
    title: 'a number that is no state is refused, and the state stays',
    source: `${KABI}, VFIO device states`,
    async check(trial) {
      const user = await open(trial);
      await refused('device_state 10', () => user.writeField('device_state', 10));
      await expectState(user, S.RUNNING);
    },
  },
  {
    id: 'region/runs-again',
    title: 'after MIGRATION_FAILED and MIGRATION_CANCELLED the source can be run again',
    source: `${KABI}, VFIO_DEVICE_STATE_MIGRATION_FAILED: resume device at source`,
    async check(trial) {
      for (const end of [S.MIGRATION_FAILED, S.MIGRATION_CANCELLED]) {
        for (const state of [...(trial.preCopy ? [S.MIGRATION_PRECOPY] : []), S.MIGRATION_STOPNCOPY]) {
          const user = await open(trial);
          await user.setState(S.MIGRATION_SETUP);
          await user.setState(state);
          await user.setState(end);
          await user.setState(S.RUNNING);
        }
      }
    },
  },
  {
    id: 'region/pending',
    title: 'in MIGRATION_STOPNCOPY the counts are above zero, fall with every buffer, and end at zero',
    source: `${KABI}, action "get pending bytes"`,
    async check(trial) {
      const user = await open(trial);
      await user.setState(S.MIGRATION_SETUP);
      await user.setState(S.MIGRATION_STOPNCOPY);
      const buffers = await saved(user);
      if (buffers.length === 0) throw new Violation('there is nothing to save');
    },
  },
  {
    id: 'region/idle',
    title: 'buffers are given while saving and taken while resuming only',
    source: `${KABI}, actions "get buffer" and "set buffer"`,
    async check(trial) {
      const user = await open(trial);
      await refused('get buffer in RUNNING', () => user.readField('data.offset'));
      await refused('set buffer in RUNNING', () => user.setBuffer(8));
    },
  },
  {
    id: 'region/resume',
    title: 'what one device saved another takes, and runs',
    source: `${KABI}, VFIO_DEVICE_STATE_MIGRATION_RESUME_COMPLETED`,
    async check(trial) {
      const buffers = await savedBuffers(trial);
      const user = await resuming(trial);
      for (const buffer of buffers) await give(user, buffer);
      await user.setState(S.MIGRATION_RESUME_COMPLETED);
      await user.setState(S.RUNNING);
    },
  },
  {
    id: 'region/truncated',
    title: 'data that is not complete is refused by MIGRATION_RESUME_COMPLETED',
    source: `${KABI}, VFIO_DEVICE_STATE_MIGRATION_FAILED`,
    async check(trial) {
      const buffers = await savedBuffers(trial);
      const user = await resuming(trial);
      for (const buffer of buffers.slice(0, -1)) await give(user, buffer);
      await refused('MIGRATION_RESUME_COMPLETED after a part of the data', () =>
        user.setState(S.MIGRATION_RESUME_COMPLETED),
      );
    },
  },
  {
    id: 'region/bad-buffer',
    title: 'a data.offset or data.size outside of the data area is refused',
    source: `${KABI}, action "set buffer"`,
    async check(trial) {
      const user = await resuming(trial);
      const { offset, size } = user.writeWindow;
      for (const [badOffset, badSize] of [
        [V1_FIELDS['data.offset'].offset, 8],
        [offset, size + 1],
        [offset + size, 8],
      ] as const) {
        await user.writeField('data.offset', badOffset);
        await refused(`data.offset ${badOffset} with data.size ${badSize}`, () =>
          user.writeField('data.size', badSize),
        );
      }
    },
  },
  {
    id: 'region/split',
    title: 'an access that splits a field or leaves the region is refused',
    source: `${KABI}, struct vfio_device_migration_info: packed`,
    async check(trial) {
      const region = await trial.region();
      await refused('a read of half of pending.precopy_only', () => region.read(4, new Uint8Array(4)));
      await refused('a write across two fields', () => region.write(2, new Uint8Array(4)));
      await refused('a read beyond the region', () => region.read(region.size - 4, new Uint8Array(8)));
    },
  },
  {
    id: 'region/bitmap',
    title:
      'the dirty bitmap comes in portions that add up to what was asked for, or stops where nothing is dirty',
    source: `${KABI}, action "get dirty pages bitmap"`,
    async check(trial) {
      const user = await open(trial);
      await user.setState(S.MIGRATION_SETUP);
      const total = Math.min(64, user.writeWindow.size * 8);
      await user.requestDirtyPages(0, total);
      for (let done = 0; done < total; ) {
        const { pages } = await user.dirtyPortion(total - done);
        if (pages === 0) break;
        done += pages;
      }
    },
  },
];

async function open(trial: RegionTrial): Promise<RegionUser> {
  return new RegionUser(await trial.region(), S.RUNNING);
}

/** A fresh device that waits for data. */
async function resuming(trial: RegionTrial): Promise<RegionUser> {
  const user = await open(trial);
  await user.setState(S.NONE);
  await user.setState(S.MIGRATION_RESUME);
  return user;
}

async function savedBuffers(trial: RegionTrial): Promise<Uint8Array[]> {
  const user = await open(trial);
  await user.setState(S.MIGRATION_SETUP);
  await user.setState(S.MIGRATION_STOPNCOPY);
  return saved(user);
}

/** All buffers of a device in MIGRATION_STOPNCOPY. */
async function saved(user: RegionUser): Promise<Uint8Array[]> {
  const buffers: Uint8Array[] = [];
  let before = Infinity;
  while (buffers.length < MAX_BUFFERS) {
    const { compatible, postcopyOnly } = await user.pending(user.writeWindow.size);
    const left = compatible + postcopyOnly;
    if (left === 0) return buffers;
    if (left >= before) {
      throw new Violation(
        `pending.compatible ${compatible} and postcopy_only ${postcopyOnly} do not fall from ${before}`,
      );
    }
    before = left;
    const { offset, size } = await user.getBuffer();
    if (size === 0) throw new Violation(`data.size is 0, though ${left} bytes are pending`);
    const data = new Uint8Array(size);
    await user.readData(offset, data);
    buffers.push(data);
  }
  throw new Violation(`the data goes on after ${MAX_BUFFERS} buffers`);
}

async function give(user: RegionUser, data: Uint8Array): Promise<void> {
  await user.writeData(user.writeWindow.offset, data);
  await user.setBuffer(data.length);
}

async function expectState(user: RegionUser, state: V1State): Promise<void> {
  const answer = await user.readField('device_state');
  if (answer !== state)
    throw new Violation(`device_state is ${v1StateText(answer)} instead of ${v1StateText(state)}`);
}

async function refused(what: string, attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof VfioError) return;
    throw new Violation(`${what} fails with no errno: ${describe(error)}`);
  }
  throw new Violation(`${what} is accepted`);
}
