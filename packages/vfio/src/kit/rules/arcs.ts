import { offersState } from '../../flags.js';
import { DEVICE_STATES, DeviceState, stateName } from '../../states.js';
import { arcName, NEXT_STATE } from '../../transitions.js';
import { type Rule, UAPI, Violation } from '../rule.js';
import { expectRefusal, expectState } from '../trial.js';

const { ERROR, STOP_COPY, PRE_COPY, PRE_COPY_P2P } = DeviceState;

export const ARC_RULES: readonly Rule[] = [
  {
    id: 'arcs/reach',
    title: 'from every offered state every other is reached, where the table has a way',
    source: `${UAPI}, enum vfio_device_mig_state: arcs and combination transitions`,
    async check(trial) {
      for (const from of trial.states) {
        for (const to of trial.states) {
          if (NEXT_STATE[from]![to] === ERROR) continue;
          const device = await trial.movableDeviceIn(from);
          await device.setState(to);
          expectState(device, to, `after ${arcName(from, to)}`);
        }
      }
    },
  },
  {
    id: 'arcs/not-offered',
    title: 'a state that the flags do not offer is refused with EINVAL, and nothing moves',
    source: `${UAPI}, VFIO_DEVICE_FEATURE_MIGRATION`,
    applies: (flags) => !(flags.p2p && flags.preCopy),
    otherwise: 'all states are offered',
    async check(trial) {
      const device = await trial.device();
      for (const state of DEVICE_STATES) {
        if (state === ERROR || offersState(trial.flags, state)) continue;
        await expectRefusal('EINVAL', `setState(${stateName(state)})`, () => device.setState(state));
        expectState(device, DeviceState.RUNNING, `after the refusal of ${stateName(state)}`);
      }
    },
  },
  {
    id: 'arcs/error',
    title: 'the error state cannot be asked for',
    source: `${UAPI}, VFIO_DEVICE_STATE_ERROR`,
    async check(trial) {
      for (const state of trial.states) {
        const device = await trial.deviceIn(state);
        await expectRefusal('EINVAL', `setState(error) in ${stateName(state)}`, () => device.setState(ERROR));
        expectState(device, state, 'after the refusal of error');
      }
    },
  },
  {
    id: 'arcs/no-way-back',
    title: 'from stop-copy there is no way back to pre-copy',
    source: `${UAPI}, STOP_COPY -> PRE_COPY`,
    applies: (flags) => flags.preCopy,
    otherwise: 'PRE_COPY is not offered',
    async check(trial) {
      for (const state of [PRE_COPY, PRE_COPY_P2P]) {
        if (!trial.states.includes(state)) continue;
        const device = await trial.deviceIn(STOP_COPY);
        await expectRefusal('EINVAL', `setState(${stateName(state)}) in stop-copy`, () =>
          device.setState(state),
        );
        expectState(device, STOP_COPY, 'after the refusal');
      }
    },
  },
  {
    id: 'arcs/same',
    title: 'asking for the present state changes nothing: no stream is opened anew or ended',
    source: `${UAPI}, vfio_mig_get_next_state()`,
    async check(trial) {
      const device = await trial.device();
      const whole = await trial.saved(device);
      if (whole.length === 0) return;
      await device.setState(STOP_COPY);
      const again = await device.readData(new Uint8Array(1));
      if (again.kind !== 'end') {
        throw new Violation(
          `after the end, setState(stop-copy) in stop-copy makes readData answer '${again.kind}'`,
        );
      }
    },
  },
];
