/** Device migration states, numbered as `enum vfio_device_mig_state` of linux/vfio.h. */
export const DeviceState = {
  ERROR: 0,
  STOP: 1,
  RUNNING: 2,
  STOP_COPY: 3,
  RESUMING: 4,
  RUNNING_P2P: 5,
  PRE_COPY: 6,
  PRE_COPY_P2P: 7,
} as const;

export type DeviceState = (typeof DeviceState)[keyof typeof DeviceState];

/** The names that events and command lines use (QapiVfioMigrationState), by state number; `error` is ours. */
export const DEVICE_STATE_NAMES = [
  'error',
  'stop',
  'running',
  'stop-copy',
  'resuming',
  'running-p2p',
  'pre-copy',
  'pre-copy-p2p',
] as const;

export type DeviceStateName = (typeof DEVICE_STATE_NAMES)[number];

/** All states, in the order of their numbers. */
export const DEVICE_STATES: readonly DeviceState[] = Object.values(DeviceState);

/** What events and messages call a state: `stop-copy`, `pre-copy-p2p`. */
export function stateName(state: DeviceState): DeviceStateName {
  return DEVICE_STATE_NAMES[state];
}

/** The state of that name, or undefined. */
export function stateNamed(name: string): DeviceState | undefined {
  return DEVICE_STATES.find((state) => DEVICE_STATE_NAMES[state] === name);
}
