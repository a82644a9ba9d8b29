export * from './device.js';
export { DeviceState } from './states.js';
