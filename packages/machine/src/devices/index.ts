export { type DeviceDriver, type DeviceEnvironment, DRIVER_NAMES, findDriver, isDriver } from './drivers.js';
export { type DeviceWindow, VfioDevice } from './vfio-device.js';
