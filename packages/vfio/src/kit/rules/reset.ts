import { DeviceState, stateName } from '../../states.js';
import { type Rule, UAPI } from '../rule.js';
import { expectRefusal, expectState } from '../trial.js';

const SOURCE = `${UAPI}, VFIO_DEVICE_RESET returns the device to RUNNING`;

export const RESET_RULES: readonly Rule[] = [
  {
    id: 'reset/running',
    title: 'a reset leads from every state to running',
    source: SOURCE,
    async check(trial) {
      for (const state of trial.states) {
        const device = await trial.deviceIn(state);
        await device.reset();
        expectState(device, DeviceState.RUNNING, `after a reset in ${stateName(state)}`);
        trial.checkHealth(device);
      }
    },
  },
  {
    id: 'reset/streams',
    title: 'a reset ends the open stream, and the device can be migrated afterwards',
    source: SOURCE,
    async check(trial) {
      for (const state of trial.states) {
        const device = await trial.deviceIn(state);
        await device.reset();
        await expectRefusal('EINVAL', `readData after a reset in ${stateName(state)}`, () =>
          device.readData(new Uint8Array(1)),
        );
        await expectRefusal('EINVAL', `writeData after a reset in ${stateName(state)}`, () =>
          device.writeData(new Uint8Array(1)),
        );
        const stream = await trial.saved(device);
        const target = await trial.deviceIn(DeviceState.RESUMING);
        await trial.write(target, stream);
        await target.setState(DeviceState.RUNNING);
      }
    },
  },
];
