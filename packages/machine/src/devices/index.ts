export { DEVICE_DRIVERS, type DeviceDriver, type DeviceEnvironment, findDriver } from './drivers.js';
export { VfioDevice } from './vfio-device.js';
