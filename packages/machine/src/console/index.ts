export type { Colour, Display, DisplayListener, Rectangle } from './display.js';
export { GuestConsole, type GuestConsoleOptions } from './guest-console.js';
export { Keys } from './keys.js';
export { TextConsole } from './text-console.js';
