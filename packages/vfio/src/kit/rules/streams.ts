import type { MigratableDevice } from '../../device.js';
import { DeviceState, stateName } from '../../states.js';
import { isPreCopy, isSaving } from '../../transitions.js';
import { type Rule, UAPI, Violation } from '../rule.js';
import { expectRefusal, type Trial, tell, UNENDED } from '../trial.js';

const { STOP, RUNNING, STOP_COPY, RESUMING, PRE_COPY, PRE_COPY_P2P } = DeviceState;

/** How many bytes are read one by one where a rule wants small pieces. */
const SMALL_READS = 512;

export const STREAM_RULES: readonly Rule[] = [
  {
    id: 'stream/closed',
    title: 'data is read in the saving states only, EINVAL elsewhere',
    source: `${UAPI}, data_fd of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE`,
    async check(trial) {
      for (const state of trial.states) {
        const device = await trial.deviceIn(state);
        if (isSaving(state)) await device.readData(new Uint8Array(1));
        else {
          await expectRefusal('EINVAL', `readData in ${stateName(state)}`, () =>
            device.readData(new Uint8Array(1)),
          );
        }
      }
    },
  },
  {
    id: 'stream/end',
    title: 'in stop-copy the stream has data and an end, which stays; it never says "nothing for now"',
    source: `${UAPI}, STOP_COPY; ENOMSG is for PRE_COPY`,
    async check(trial) {
      const device = await trial.deviceIn(STOP_COPY);
      const { chunks, last } = await trial.read(device);
      if (last !== 'end') throw new Violation(UNENDED);
      if (chunks.length === 0) throw new Violation('the stream is empty');
      for (let again = 0; again < 3; again++) {
        const result = await device.readData(new Uint8Array(64));
        if (result.kind !== 'end') throw new Violation(`after the end readData answers '${result.kind}'`);
      }
    },
  },
  {
    id: 'stream/no-end-in-pre-copy',
    title: 'in pre-copy the stream never ends: when there is nothing it says "nothing for now" (ENOMSG)',
    source: `${UAPI}, PRE_COPY; ENOMSG`,
    applies: (flags) => flags.preCopy,
    otherwise: 'PRE_COPY is not offered',
    async check(trial) {
      for (const state of trial.states.filter(isPreCopy)) {
        const device = await trial.deviceIn(state);
        const { last } = await trial.read(device);
        if (last === 'end') throw new Violation(`in ${stateName(state)} the stream ends`);
      }
    },
  },
  {
    id: 'stream/kept',
    title: 'the stream that pre-copy opened goes on in stop-copy: both parts together load',
    source: `${UAPI}, PRE_COPY -> STOP_COPY: the same data_fd`,
    applies: (flags) => flags.preCopy,
    otherwise: 'PRE_COPY is not offered',
    async check(trial) {
      for (const way of [[PRE_COPY], [PRE_COPY_P2P], [PRE_COPY, PRE_COPY_P2P], [PRE_COPY_P2P, PRE_COPY]]) {
        if (!way.every((state) => trial.states.includes(state))) continue;
        const source = await trial.device();
        const chunks: Uint8Array[] = [];
        for (const state of [...way, STOP_COPY]) {
          await source.setState(state);
          chunks.push(...(await trial.read(source)).chunks);
          await trial.run(10);
        }
        await expectLoads(
          trial,
          new Uint8Array(Buffer.concat(chunks)),
          `a stream begun in ${way.map(stateName).join(', ')}`,
        );
      }
    },
  },
  {
    id: 'stream/ended',
    title: 'leaving the saving states ends the stream; the next one starts from its beginning',
    source: `${UAPI}, STOP_COPY -> STOP`,
    async check(trial) {
      const device = await trial.deviceIn(STOP_COPY);
      await device.readData(new Uint8Array(100));
      await device.setState(STOP);
      await expectRefusal('EINVAL', 'readData after stop-copy -> stop', () =>
        device.readData(new Uint8Array(1)),
      );
      await expectLoads(trial, await trial.saved(device), 'the second stream of a device');
    },
  },
  {
    id: 'stream/chunks',
    title: 'the stream may be read and written in pieces of any size',
    source: `${UAPI}, data_fd: a stream without framing`,
    async check(trial) {
      const source = await trial.deviceIn(STOP_COPY);
      const small: Uint8Array[] = [];
      while (small.length < SMALL_READS) {
        const byte = new Uint8Array(1);
        const result = await source.readData(byte);
        if (result.kind !== 'data') break;
        small.push(byte);
      }
      const stream = Buffer.concat([...small, ...(await trial.read(source, 4093)).chunks]);
      const target = await trial.deviceIn(RESUMING);
      await trial.write(target, stream.subarray(0, SMALL_READS), 1);
      await trial.write(target, stream.subarray(SMALL_READS), 5003);
      await target.setState(RUNNING);
      trial.checkHealth(target);
    },
  },
  {
    id: 'stream/data-size',
    title: 'the estimate of the stop-copy data is a number of bytes in every state',
    source: `${UAPI}, VFIO_DEVICE_FEATURE_MIG_DATA_SIZE`,
    async check(trial) {
      for (const state of trial.states) {
        const size = await (await trial.deviceIn(state)).dataSize();
        if (!Number.isSafeInteger(size) || size < 0) {
          throw new Violation(`dataSize in ${stateName(state)} is ${size}`);
        }
      }
    },
  },
];

/** The stream must be accepted by a fresh device, which then runs. */
async function expectLoads(trial: Trial, stream: Uint8Array, what: string): Promise<MigratableDevice> {
  const device = await trial.deviceIn(RESUMING);
  try {
    await trial.write(device, stream);
    await device.setState(RUNNING);
  } catch (error) {
    throw new Violation(`${what} is not accepted: ${tell(error)}`);
  }
  trial.checkHealth(device);
  return device;
}
