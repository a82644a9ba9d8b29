import type { MigratableDevice } from '../../device.js';
import { VfioError } from '../../error.js';
import { DeviceState, stateName } from '../../states.js';
import { type Rule, UAPI, Violation } from '../rule.js';
import { expectRefusal, expectState, type Trial } from '../trial.js';

const { ERROR, STOP, RUNNING, RESUMING } = DeviceState;
const SOURCE = `${UAPI}, RESUMING -> STOP`;

export const RESUMING_RULES: readonly Rule[] = [
  {
    id: 'resuming/load',
    title: 'a complete stream is accepted, and the device runs with it',
    source: SOURCE,
    async check(trial) {
      const stream = await trial.stream();
      const device = await trial.deviceIn(RESUMING);
      await trial.write(device, stream);
      await device.setState(STOP);
      expectState(device, STOP, 'after resuming -> stop');
      await device.setState(RUNNING);
      trial.checkHealth(device);
    },
  },
  {
    id: 'resuming/elsewhere',
    title: 'data is written in resuming only, EINVAL elsewhere',
    source: `${UAPI}, data_fd of VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE`,
    async check(trial) {
      for (const state of trial.states) {
        if (state === RESUMING) continue;
        const device = await trial.deviceIn(state);
        await expectRefusal('EINVAL', `writeData in ${stateName(state)}`, () =>
          device.writeData(new Uint8Array(8)),
        );
      }
    },
  },
  {
    id: 'resuming/truncated',
    title: 'a stream that ends early is refused, at the latest by resuming -> stop',
    source: `${SOURCE}: incomplete data`,
    async check(trial) {
      const stream = await trial.stream();
      for (const length of new Set([0, 1, Math.floor(stream.length / 2), stream.length - 1])) {
        await expectRejected(trial, stream.subarray(0, length), `${length} of ${stream.length} bytes`);
      }
    },
  },
  {
    id: 'resuming/corrupt',
    title: 'a stream with a wrong byte is refused, at the latest by resuming -> stop',
    source: `${SOURCE}: inconsistent or otherwise invalid data`,
    async check(trial) {
      const stream = await trial.stream();
      for (const part of [0, 0.1, 0.5, 0.9, 1]) {
        const position = Math.min(stream.length - 1, Math.floor(stream.length * part));
        const corrupt = Uint8Array.from(stream);
        corrupt[position]! ^= 0x10;
        await expectRejected(trial, corrupt, `a stream whose byte ${position} is wrong`);
      }
    },
  },
  {
    id: 'resuming/surplus',
    title: 'a stream with bytes after its end is refused',
    source: `${SOURCE}: inconsistent or otherwise invalid data`,
    async check(trial) {
      const stream = await trial.stream();
      await expectRejected(
        trial,
        new Uint8Array(Buffer.concat([stream, stream.subarray(0, 16)])),
        'a stream with more after its end',
      );
    },
  },
];

/** The stream must be refused with an error of a device, by a write or by leaving RESUMING, and a reset must help then. */
async function expectRejected(trial: Trial, stream: Uint8Array, what: string): Promise<void> {
  const device = await trial.deviceIn(RESUMING);
  const refusal = await refusalOf(trial, device, stream);
  if (refusal === undefined) throw new Violation(`${what} is accepted`);
  if (!(refusal instanceof VfioError)) throw new Violation(`${what} fails with no errno: ${refusal}`);
  if (device.state !== RESUMING && device.state !== ERROR) {
    throw new Violation(`after ${what} was refused the device is in ${stateName(device.state)}`);
  }
  await device.reset();
  expectState(device, RUNNING, `after ${what} was refused and the device reset`);
  trial.checkHealth(device);
}

async function refusalOf(trial: Trial, device: MigratableDevice, stream: Uint8Array): Promise<unknown> {
  try {
    await trial.write(device, stream);
    await device.setState(STOP);
    return undefined;
  } catch (error) {
    // A refused write must not be forgotten when the state is left.
    if (device.state === RESUMING) {
      const left = await device.setState(STOP).then(
        () => true,
        () => false,
      );
      if (left) return undefined;
    }
    return error;
  }
}
