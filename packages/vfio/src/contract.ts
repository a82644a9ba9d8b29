/** What every user of devices needs, and no model: a fraction of the package, for programs that have to start fast. */
export type {
  DeviceRegion,
  DmaLogging,
  DmaMemory,
  DmaRange,
  MigratableDevice,
  PrecopyInfo,
  ReadResult,
} from './device.js';
export { ERRNO, type ErrnoName, errnoName, VfioError } from './error.js';
export type { MigrationFlags } from './flags.js';
export {
  DEVICE_STATE_NAMES,
  DEVICE_STATES,
  DeviceState,
  type DeviceStateName,
  stateName,
  stateNamed,
} from './states.js';
