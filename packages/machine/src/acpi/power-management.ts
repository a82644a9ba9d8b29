import type { BusHandler } from '../memory/bus.js';
import { PowerControl, PowerRegister, PowerStatus } from './registers.js';

/** Bytes of the registers. */
export const ACPI_PORTS = 6;

export interface PowerManagementOptions {
  /** The button was pressed: the guest may want to look. */
  readonly onPress: () => void;
  /** The guest has switched itself off. */
  readonly onPowerOff: () => void;
}

/** The power button, and what the guest switches itself off with: the fixed registers PM1 of ACPI. */
export class PowerManagement implements BusHandler {
  readonly #options: PowerManagementOptions;
  readonly #registers = Buffer.alloc(ACPI_PORTS);

  constructor(options: PowerManagementOptions) {
    this.#options = options;
  }

  /** It stays pressed until the guest has seen it. */
  press(): void {
    this.#registers[PowerRegister.STATUS + 1]! |= PowerStatus.BUTTON >> 8;
    this.#options.onPress();
  }

  reset(): void {
    this.#registers.fill(0);
  }

  read(offset: number, into: Uint8Array): void {
    for (let index = 0; index < into.length; index++) into[index] = this.#registers[offset + index] ?? 0xff;
  }

  write(offset: number, from: Uint8Array): void {
    for (const [index, byte] of from.entries()) this.#write(offset + index, byte);
  }

  #write(offset: number, byte: number): void {
    if (offset >= ACPI_PORTS) return;
    // A status bit goes when a one is written to it.
    if (offset < PowerRegister.ENABLE) this.#registers[offset]! &= ~byte;
    else this.#registers[offset] = byte;
    if (offset === PowerRegister.CONTROL + 1 && (byte & (PowerControl.SLEEP >> 8)) !== 0) {
      this.#registers[offset]! &= ~(PowerControl.SLEEP >> 8);
      this.#options.onPowerOff();
    }
  }
}
