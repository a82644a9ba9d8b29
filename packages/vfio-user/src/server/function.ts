import type { MigratableDevice } from '@godwit/vfio';
import type { Interrupts } from './interrupts.js';

/** A PCI function as a vfio-user client sees it. Offsets and sizes are bytes. */
export interface ServedFunction {
  /** By {@link PciRegion}; a region that is absent has the size 0. */
  readonly regions: readonly (ServedRegion | undefined)[];
  /** Interrupts of each {@link PciIrq}. */
  readonly interrupts: readonly number[];
  /** Absent: the device cannot migrate. */
  readonly migration?: MigratableDevice;
  reset(): void | Promise<void>;
  /** Called once, with the interrupts whose state the function shows in its configuration space. */
  attach?(interrupts: Interrupts): void;
}

/** A region. An access reaches it only within its size. What it throws as a VfioError is answered with its errno. */
export interface ServedRegion {
  readonly size: number;
  /** Absent: it cannot be read. */
  read?(offset: number, into: Uint8Array): void | Promise<void>;
  /** Absent: it cannot be written. The bytes are valid until it returns or its promise settles. */
  write?(offset: number, from: Uint8Array): void | Promise<void>;
  /** Parts of the region that the client may map. */
  readonly mapping?: RegionMapping;
  /** Writes that the client may signal instead of sending them. */
  readonly ioEvents?: readonly IoEvent[];
}

export interface RegionMapping {
  /** Stays with the device; the client gets a copy. */
  readonly fd: number;
  /** Where the region begins in the file. */
  readonly offset: number;
  /** Whole pages, in order. Absent: the whole region. */
  readonly areas?: readonly { readonly offset: number; readonly size: number }[];
}

/** A write to `[offset, offset + size)`, of `datamatch` where that is given, that comes as a signal of an eventfd. */
export interface IoEvent {
  readonly offset: number;
  /** 0: a write of any size. */
  readonly size: number;
  readonly datamatch?: bigint;
  /** @param count signals since the last call */
  signalled(count: number): void;
}
