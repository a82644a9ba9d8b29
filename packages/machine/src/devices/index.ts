export { DeviceSlot } from './device-slot.js';
export { type DeviceDriver, type DeviceEnvironment, DRIVER_NAMES, findDriver, isDriver } from './drivers.js';
export { type Borrower, type DeviceConfigWindow, VfioDevice } from './vfio-device.js';
