import { LineStatus, SERIAL_PORT, SerialRegister } from '../serial/registers.js';
import { type GuestPorts, readByte } from './guest-ports.js';

/** Bytes that are read in one go; more than the port holds. */
const LIMIT = 64;

const Key = { BACKSPACE: 0x08, ENTER: 0x0d, DELETE: 0x7f } as const;

/** Reads what waits at the serial port and writes back what an operating system's terminal driver would: an echo. */
export function echoSerial(ports: GuestPorts): void {
  const echo: number[] = [];
  for (let count = 0; count < LIMIT; count++) {
    const status = readByte(ports, SERIAL_PORT + SerialRegister.LINE_STATUS);
    if ((status & LineStatus.DATA_READY) === 0) break;
    const byte = readByte(ports, SERIAL_PORT + SerialRegister.DATA);
    // The zero that stands for a break was typed by nobody.
    if (byte !== 0 || (status & LineStatus.BREAK) === 0) echo.push(...echoOf(byte));
  }
  if (echo.length > 0) ports.write(SERIAL_PORT, Uint8Array.from(echo));
}

/** Text as it is, a new line for Enter, a blank over what Backspace takes away, `^X` for control codes. */
function echoOf(byte: number): number[] {
  if (byte === Key.ENTER) return [0x0d, 0x0a];
  if (byte === Key.BACKSPACE || byte === Key.DELETE) return [0x08, 0x20, 0x08];
  return byte < 0x20 ? [0x5e, byte + 0x40] : [byte];
}
