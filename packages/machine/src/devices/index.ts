export { DeviceSlot } from './device-slot.js';
export { type DeviceDriver, type DeviceEnvironment, DRIVER_NAMES, findDriver, isDriver } from './drivers.js';
export { type Borrower, VfioDevice } from './vfio-device.js';
