import { DeviceState, stateName } from '../../states.js';
import { isPreCopy } from '../../transitions.js';
import { type Rule, UAPI, Violation } from '../rule.js';
import { expectRefusal } from '../trial.js';

const SOURCE = `${UAPI}, struct vfio_precopy_info`;

export const PRECOPY_RULES: readonly Rule[] = [
  {
    id: 'pre-copy/info-elsewhere',
    title: 'pre-copy information is EINVAL outside of the pre-copy states',
    source: `${UAPI}, VFIO_MIG_GET_PRECOPY_INFO`,
    async check(trial) {
      for (const state of trial.states) {
        const device = await trial.deviceIn(state);
        if (isPreCopy(state)) await device.precopyInfo();
        else await expectRefusal('EINVAL', `precopyInfo in ${stateName(state)}`, () => device.precopyInfo());
      }
    },
  },
  {
    id: 'pre-copy/initial-bytes',
    title: 'initial bytes start above zero, fall as data is read, and never rise without REINIT',
    source: `${SOURCE}, initial_bytes`,
    applies: (flags, options) => flags.preCopy && !options.estimatedPrecopyInfo,
    otherwise: 'PRE_COPY is not offered, or its information is an estimate',
    async check(trial) {
      const device = await trial.deviceIn(DeviceState.PRE_COPY);
      let { initialBytes } = await device.precopyInfo();
      const atFirst = initialBytes;
      if (initialBytes <= 0) throw new Violation(`initial bytes are ${initialBytes} when pre-copy begins`);
      const chunk = new Uint8Array(Math.max(1, Math.min(2 ** 20, Math.ceil(atFirst / 4))));
      let read = 0;
      while (read < 2 * atFirst) {
        const result = await device.readData(chunk);
        if (result.kind !== 'data') break;
        read += result.length;
        const info = await device.precopyInfo();
        if (info.initialBytes > initialBytes && !info.reinit) {
          throw new Violation(
            `initial bytes rise from ${initialBytes} to ${info.initialBytes} without REINIT`,
          );
        }
        initialBytes = info.initialBytes;
        if (info.reinit) return;
      }
      if (initialBytes >= atFirst) {
        throw new Violation(`initial bytes are still ${initialBytes} after ${read} bytes were read`);
      }
    },
  },
  {
    id: 'pre-copy/dirty-bytes',
    title: 'dirty bytes start at zero',
    source: `${SOURCE}, dirty_bytes`,
    applies: (flags) => flags.preCopy,
    otherwise: 'PRE_COPY is not offered',
    async check(trial) {
      const { dirtyBytes } = await (await trial.deviceIn(DeviceState.PRE_COPY)).precopyInfo();
      if (dirtyBytes !== 0) throw new Violation(`dirty bytes are ${dirtyBytes} when pre-copy begins`);
    },
  },
  {
    id: 'pre-copy/starts-over',
    title: 'pre-copy that is left and entered again starts with the initial bytes anew',
    source: `${UAPI}, PRE_COPY -> RUNNING ends the session`,
    applies: (flags) => flags.preCopy,
    otherwise: 'PRE_COPY is not offered',
    async check(trial) {
      const device = await trial.deviceIn(DeviceState.PRE_COPY);
      await trial.read(device);
      await device.setState(DeviceState.RUNNING);
      await device.setState(DeviceState.PRE_COPY);
      const { initialBytes } = await device.precopyInfo();
      if (initialBytes <= 0) throw new Violation(`initial bytes are ${initialBytes} in the second session`);
    },
  },
];
