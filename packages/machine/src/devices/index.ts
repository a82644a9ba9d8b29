export { type DeviceDriver, type DeviceEnvironment, findDriver, isDriver } from './drivers.js';
export { type DeviceWindow, VfioDevice } from './vfio-device.js';
