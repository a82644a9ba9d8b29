import type { MigratableDevice } from '@godwit/vfio';

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
  /** Name and layout facts that both sides must agree on, e.g. RAM size and number of vCPUs; compared at the destination. */
  configuration(): Readonly<Record<string, string>>;
}

/** Guest RAM. Addresses and sizes are bytes; a page is {@link GuestRam.pageSize} bytes. */
export interface GuestRam {
  readonly size: number;
  readonly pageSize: number;
  /** The mapped memory, as consecutive segments (a mapping is limited to 4 GiB). Page boundaries never cross a segment. */
  readonly segments: readonly RamSegment[];
}

export interface RamSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** Which pages the vCPUs and devices of the machine wrote, one bit a page, bit 0 of word 0 first, 32-bit words. */
export interface DirtyLog {
  start(): void;
  stop(): void;
  /** Moves what was logged into `into` (by or), and forgets it. A page written during the call is in this or in the next report, never in none. */
  collect(into: Uint32Array): void;
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
  /** Moves the device through the machine's object, which reports the change (VFIO_MIGRATION). Use it instead of `device.setState`. */
  readonly controller: DeviceController;
}

export interface DeviceController {
  setState(wanted: MigratableDevice['state'], recovery?: MigratableDevice['state']): Promise<void>;
}

export interface StateSection {
  /** Unique in a machine, e.g. `cpu/0` or `rtc`. */
  readonly name: string;
  readonly version: number;
  save(): Uint8Array;
  /** Throws with a message that says what is wrong with the contents. */
  load(state: Uint8Array, version: number): void;
}

/** A byte channel between two machines. One reader, one writer, ordered, with backpressure. */
export interface Channel {
  /** Resolves when the chunks were handed over and more is welcome; rejects when the channel broke. The chunks are read until then. */
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Fills `into` wholly; false at a clean end before the first byte; rejects if it ends in the middle or breaks. */
  readExactly(into: Uint8Array): Promise<boolean>;
  /** Ends both directions. Idempotent. */
  close(): void;
}
