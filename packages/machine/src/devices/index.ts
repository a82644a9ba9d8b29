export { type DeviceDriver, type DeviceEnvironment, findDriver, isDriver } from './drivers.js';
export { VfioDevice } from './vfio-device.js';
