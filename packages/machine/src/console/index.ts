export type { Colour, Display, DisplayListener, Rectangle } from './display.js';
export { GuestConsole, type GuestConsoleOptions } from './guest-console.js';
export { GuestTerminal, type GuestTerminalOptions } from './guest-terminal.js';
export { Keys } from './keys.js';
export { Terminal } from './terminal.js';
export { TextConsole } from './text-console.js';
