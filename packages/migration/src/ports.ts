import type { MigratableDevice } from '@godwit/vfio';
import type { DeviceController } from './device/controller.js';

/**
 * What the migration engine needs of the machine that it moves. The engine never reaches for anything else:
 * no globals, no sockets of its own, no system clock.
 */
export interface MachinePort {
  readonly ram: GuestRam;
  /** Dirty tracking of what the vCPUs write. */
  readonly dirtyLog: DirtyLog;
  /** The VFIO devices, in the order of their registration. Read again for each migration. */
  devices(): readonly DeviceEntry[];
  /** Everything else that has state (vCPUs, clock, object registers), in the order in which it is loaded. */
  sections(): readonly StateSection[];
  /**
   * Name and layout facts that both sides must agree on, e.g. number of vCPUs; compared at the destination. Keys are
   * what an error calls the fact (`vCPUs`). RAM size, page size and devices are compared anyway.
   */
  configuration(): Readonly<Record<string, string>>;
  /** The run state of the machine, as far as a migration moves it. */
  readonly control: MachineControl;
}

/**
 * How a migration stops and starts the guest. The machine stays the owner of its run state, of the order in which
 * devices change state ({@link stopDevices}, {@link startDevices}) and of the events STOP and RESUME.
 */
export interface MachineControl {
  /** The present run state, by its QAPI name (RunState), e.g. `running`, `paused`. */
  readonly runState: string;
  /** Whether vCPUs run now. */
  readonly running: boolean;
  /**
   * Source: stops the vCPUs, moves the devices with {@link stopDevices}, reports STOP, run state `finish-migrate`. A
   * guest that was stopped already only changes its run state. Rejects when a device could not be moved; the guest is
   * stopped even then.
   */
  stopForSwitchover(): Promise<void>;
  /**
   * Source: undoes {@link stopForSwitchover}. Run state as before it; a guest that ran then reports RESUME, moves its
   * devices with {@link startDevices} and runs. Never fails: a device that cannot be moved is reset.
   */
  resumeAfterFailure(): Promise<void>;
  /** Source: the destination has everything and the guest is not ours any more; run state `postmigrate`. */
  handOver(): void;
  /**
   * Destination: everything is loaded and the source has given up the guest. `sourceRunState` is the source's run state
   * from before the switchover. Where that is `running` and the machine is to start by itself: RESUME, devices with
   * {@link startDevices}, vCPUs; otherwise the guest stays paused in a state that `cont` starts.
   */
  takeOver(sourceRunState: string): Promise<void>;
  /**
   * Destination: everything is loaded, but whether the source gave up the guest is not known, because the connection
   * ended before GO. The guest stays paused and `cont` runs it; see "How a migration hands over" in ARCHITECTURE.md.
   */
  loadedWithoutGo(sourceRunState: string): void;
}

/**
 * Guest RAM. Addresses and sizes are bytes; a page is {@link GuestRam.pageSize} bytes. Bitmaps of RAM number the pages
 * through the segments in their order, from 0.
 */
export interface GuestRam {
  readonly size: number;
  readonly pageSize: number;
  /**
   * The mapped memory, as segments in ascending order (a mapping is limited to 4 GiB). Page boundaries never cross a
   * segment, and each segment but the last holds a multiple of 32 pages.
   */
  readonly segments: readonly RamSegment[];
  /** True while nothing was written since the memory was created, so that all of it reads as zeros. */
  readonly fresh?: boolean;
  /** A file that is this RAM, the segments one after another; it stays the machine's. Absent for memory of another kind. */
  readonly descriptor?: number | undefined;
}

export interface RamSegment {
  /** Guest physical address of the first byte. */
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Which pages the vCPUs and devices of the machine wrote, one bit a page, bit 0 of word 0 first, 32-bit words. */
export interface DirtyLog {
  start(): void;
  stop(): void;
  /** Moves what was logged into `into` (by or), and forgets it. A page written during the call is in this or in the next report, never in none. */
  collect(into: Uint32Array): void;
  /**
   * Slows the vCPUs down (auto-converge): the percentage of time in which they do not run, 0 to 99. Absent where the
   * accelerator cannot do it.
   */
  throttle?(percentage: number): void;
}

export interface DeviceEntry {
  /** The `id=` of the device, "" without one. */
  readonly id: string;
  readonly qomPath: string;
  /** What errors call it: its id, else its path. */
  readonly name: string;
  /** Model and layout, compared at the destination. */
  readonly compatible: string;
  readonly device: MigratableDevice;
  /** Moves the device and reports the change (VFIO_MIGRATION). Use it instead of `device.setState`. */
  readonly controller: DeviceController;
  /**
   * Whether what the device sends while the guest is stopped goes over the additional channels of a migration that has
   * some; `on` where it must. Default `auto`: where there are some.
   */
  readonly multifdTransfer?: 'on' | 'off' | 'auto';
  /**
   * How it is known what the device writes to RAM. `log`: it logs that, and is asked for each round. `log-at-end`: it is asked
   * only when it has stopped. `none`: nobody knows, and every page counts as written, each round. Default `log`.
   */
  readonly dmaTracking?: 'log' | 'log-at-end' | 'none';
  /** Why this device cannot be migrated, whatever the others can. */
  readonly blocker?: DeviceBlocker;
}

/** What keeps a single device from being migrated; the texts are those of {@link migrationBlockers}. */
export type DeviceBlocker =
  | 'unsupported'
  | 'disabled'
  | 'no-dirty-tracking'
  /** The device cannot be asked for anything: it failed, or another has it. */
  | { readonly reason: string };

export interface StateSection {
  /** Unique in a machine, e.g. `cpu/0` or `rtc`. */
  readonly name: string;
  readonly version: number;
  save(): Uint8Array;
  /** Throws with a message that says what is wrong with the contents. */
  load(state: Uint8Array, version: number): void;
}

/** What bytes go through, as QEMU's errors call it. */
export type Medium = 'socket' | 'command' | 'file' | 'TLS channel';

/** A byte channel between two machines. One reader, one writer, ordered, with backpressure. */
export interface Channel {
  /**
   * Resolves when the chunks were handed over and more is welcome; rejects when the channel broke. The chunks are read until
   * then. Where the channel {@link carriesDescriptors} one can go with them; it stays the caller's.
   */
  write(chunks: readonly Uint8Array[], descriptor?: number): Promise<void>;
  /** Fills `into` wholly; false at a clean end before the first byte; rejects if it ends in the middle or breaks. */
  readExactly(into: Uint8Array): Promise<boolean>;
  /** What errors call it. */
  readonly medium?: Medium;
  readonly carriesDescriptors?: boolean;
  /** The descriptor that came with what was read so far, which is the caller's from then on; undefined where none came. */
  takeDescriptor?(): number | undefined;
  /** Nothing ever comes back: a file, the standard input of a program. */
  readonly oneWay?: true;
  /** Resolves when what was written is where it was to go: the file is synced, the program has ended well. */
  finish?(): Promise<void>;
  /** Ends both directions after what was written; pending and later calls reject. Idempotent. */
  close(): void;
}
