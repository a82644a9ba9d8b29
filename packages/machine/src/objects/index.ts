export { IoThread } from './iothread.js';
export { UserObjects } from './user-objects.js';
