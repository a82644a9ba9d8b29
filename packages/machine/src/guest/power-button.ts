import { ACPI_PORT, PowerControl, PowerRegister, PowerStatus } from '../acpi/registers.js';
import { type GuestPorts, readByte, writeByte } from './guest-ports.js';

/** Looks whether the power button was pressed, and switches off in the way of an operating system if it was. */
export function answerPowerButton(ports: GuestPorts): void {
  const button = PowerStatus.BUTTON >> 8;
  const status = ACPI_PORT + PowerRegister.STATUS + 1;
  if ((readByte(ports, status) & button) === 0) return;
  writeByte(ports, status, button);
  writeByte(ports, ACPI_PORT + PowerRegister.CONTROL + 1, PowerControl.SLEEP >> 8);
}
