import type { DirtyLog, StateSection } from '@godwit/migration';

/** What runs the vCPUs of a machine. One accelerator belongs to one machine, which starts and pauses it. */
export interface Accelerator {
  /** As `-accel` names it. */
  readonly name: string;
  readonly vcpus: readonly Vcpu[];
  /**
   * Resolves when every vCPU has its thread, and its id is known; rejects when one cannot come up. All else can be asked
   * for before, and has its effect then.
   */
  readonly up: Promise<void>;
  readonly running: boolean;
  /** Milliseconds that the vCPUs have run in this machine. */
  readonly ranMs: number;
  /** Lets every vCPU run from where its state says. Idempotent. */
  start(): void;
  /**
   * When it resolves, every vCPU stands between two instructions: no write to RAM, port or device comes after it, all of
   * them are marked in the dirty log, and {@link sections} hold the whole state. Rejects when one does not stop in time
   * or its thread failed; then all others run on. Idempotent.
   */
  pause(): Promise<void>;
  /** The state of power-on. Only while paused. RAM is not cleared. */
  reset(): void;
  /** One for each vCPU, `cpu/0` first; save and load only while paused. */
  sections(): readonly StateSection[];
  /** What both sides of a migration must have in common, for `MachinePort.configuration`. */
  configuration(): Readonly<Record<string, string>>;
  /** Tells the guest which device windows there are now, in the order of their registration. */
  setDevices(devices: readonly GuestDevice[]): void;
  /** What the guest has done and found so far. */
  report(): GuestReport;
  /** Compares every page that the guest ever wrote, running or paused, between two instructions of its vCPUs. */
  audit(): Promise<Audit>;
  /** Has every device check its memory, and compares what it wrote by DMA. Only while running: a stopped device takes no commands. */
  auditDevices(): Promise<readonly DeviceAudit[]>;
  /** What migrations track: the writes of the vCPUs, and how to slow these down. */
  readonly dirtyLog: DirtyLog;
  /** Bytes per second that the guest dirties from now on; 0 lets it idle. */
  setDirtyRate(bytesPerSecond: number): void;
  /** Has the guest set the clock through the RTC, as `date -s` and `hwclock -w` do; resolves when it did. Rejects while paused. */
  setClock(date: Date): Promise<void>;
  /** Something came in at the serial port: the guest reads it as soon as it runs, and echoes it. */
  attendSerial(): void;
  /** The power button was pressed: a guest that reacts to it switches itself off as soon as it runs. */
  attendPower(): void;
  /** The device whose first window is at `address` has raised its interrupt: the guest serves it as soon as it runs. */
  interrupt(address: number): void;
  /** Ends the vCPUs and their threads; RAM may be unmapped when it resolves. Idempotent. */
  close(): Promise<void>;
}

export interface Vcpu {
  readonly index: number;
  /** The kernel's id of the thread that runs it (query-cpus-fast); 0 before {@link Accelerator.up}. */
  readonly threadId: number;
}

/** A device as the guest finds it: a window with registers. It uses those that it has a driver for (see device-driver.ts). */
export interface GuestDevice {
  /** The MMIO address of the window (BAR 0), in bytes. */
  readonly address: number;
  /** That of its PCI configuration space, where it has one. */
  readonly config?: number;
}

/** How pages differed from what the guest had written. */
export interface Findings {
  /** The page has an older content: a write did not arrive. */
  readonly lost: number;
  /** The page has parts of several contents, or none that the guest ever wrote. */
  readonly torn: number;
  /** The page has a newer content than the vCPU has written: a write was made twice. */
  readonly repeated: number;
}

/** Everything the guest ever wrote, checked against what is there. */
export interface Audit extends Findings {
  readonly pages: number;
}

/** What the guest's driver finds when it has the devices check themselves. Order of the devices as in {@link Accelerator.setDevices}. */
export interface DeviceAudit {
  readonly address: number;
  /** Blocks of the device's memory that it compared with what it had put there. */
  readonly blocks: number;
  readonly errors: number;
  /** Pages in guest RAM that the device has written by DMA and that are still to be seen. */
  readonly dmaPages: number;
  readonly dmaErrors: number;
}

/** Plain numbers, summed over the vCPUs; counters go on after a migration, for they are part of the vCPUs' state. */
export interface GuestReport extends Findings {
  /** The guest has filled its RAM and does its rounds. */
  readonly ready: boolean;
  /** Bytes per second that the guest is asked to dirty. */
  readonly dirtyRate: number;
  /** Bytes that it writes round after round. */
  readonly workingSet: number;
  /** Pages written since power-on. */
  readonly pagesWritten: number;
  /** Pages that were compared before they were overwritten. */
  readonly pagesChecked: number;
  readonly deviceAccesses: number;
  /** Device registers that did not hold what the guest had put there. */
  readonly deviceFaults: number;
  /** Interrupts of devices that the guest served. */
  readonly deviceInterrupts: number;
}
