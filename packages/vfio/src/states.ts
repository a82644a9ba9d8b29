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
