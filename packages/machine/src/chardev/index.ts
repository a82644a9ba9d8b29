export { CharacterDevice } from './character-device.js';
export { CharacterDevices } from './character-devices.js';
export type { ChardevConfiguration } from './configuration.js';
export type { ChardevFrontend } from './frontend-slot.js';
