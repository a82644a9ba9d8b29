export { type Clock, delay, type Timer } from './clock.js';
export { SystemClock } from './system-clock.js';
export { VirtualClock } from './virtual-clock.js';
