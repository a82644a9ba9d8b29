export { SERIAL_PORT, SERIAL_PORTS } from './registers.js';
export { Serial16550, type SerialOptions } from './serial-16550.js';
export { SerialInput, type SerialInputOptions } from './serial-input.js';
