/** How devices are moved between their states, without the engine that moves a machine. */
export { blockerText, hasMigration, migrationBlockers } from './device/blockers.js';
export { DeviceController, type DeviceObserver, type Transition } from './device/controller.js';
export { startDevices, stopDevices, type TransitionFailure } from './device/stop-start.js';
export type * from './ports.js';
