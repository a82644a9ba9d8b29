import type { Audit, GuestDevice, Vcpu } from './accelerator.js';
import type { Registers } from './registers.js';

/** How the accelerator drives one vCPU, whether it has a thread of its own or is stepped on the machine's. */
export interface VcpuRunner extends Vcpu {
  readonly registers: Registers;
  readonly ready: boolean;
  readonly up: Promise<void>;
  /** Pages per second. */
  setRate(pagesPerSecond: number): void;
  setDevices(devices: readonly GuestDevice[]): void;
  start(): void;
  pause(): Promise<void>;
  audit(): Promise<Audit>;
  setClock(date: Date): Promise<void>;
  /** Reads the serial port before it goes on; while it is paused, once it runs again. */
  attendSerial(): void;
  /** Looks at the power button; only while it runs. */
  attendPower(): void;
  /** Serves the interrupt of the device at `address`; while it is paused, once it runs again. */
  interrupt(address: number): void;
  close(): Promise<void>;
}
