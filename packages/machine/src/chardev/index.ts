export { CharacterDevice, type ChardevFrontend } from './character-device.js';
export { CharacterDevices } from './character-devices.js';
export type { ChardevConfiguration } from './configuration.js';
