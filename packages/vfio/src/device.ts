import type { MigrationFlags } from './flags.js';
import type { DeviceState } from './states.js';

/** `struct vfio_precopy_info`: estimates in bytes, valid in the pre-copy states only. */
export interface PrecopyInfo {
  /** Bytes of the first pass; starts above zero and falls. Sending them before the switchover is worth while. */
  readonly initialBytes: number;
  /** Bytes that changed after they were read; starts at zero. */
  readonly dirtyBytes: number;
  /** The device started over with a wholly new `initialBytes` (REINIT); reported once for each time it did. */
  readonly reinit: boolean;
}

/** One read of the data stream: how many bytes were put into the buffer, or why there were none. */
export type ReadResult =
  | { readonly kind: 'data'; readonly length: number }
  /** Nothing for now, more may come (ENOMSG); only in the pre-copy states. */
  | { readonly kind: 'empty' }
  /** The stream is complete; only in STOP_COPY. */
  | { readonly kind: 'end' };

/** A range of guest physical addresses, in bytes. */
export interface DmaRange {
  readonly iova: number;
  readonly length: number;
}

/** The guest's memory as a device sees it. Addresses and lengths are bytes. */
export interface DmaMemory {
  /** Copies guest memory into `into`; throws {@link VfioError} EFAULT outside of RAM. */
  read(address: number, into: Uint8Array): void;
  /** Copies `from` into guest memory; throws {@link VfioError} EFAULT outside of RAM. */
  write(address: number, from: Uint8Array): void;
}

/** An addressable register window of a device (a BAR, or configuration space). Offsets and lengths are bytes. */
export interface DeviceRegion {
  readonly name: string;
  readonly size: number;
  read(offset: number, into: Uint8Array): void;
  write(offset: number, from: Uint8Array): void;
}

/**
 * A device that can be migrated, shaped as the v2 uAPI of linux/vfio.h. All byte counts are numbers, safe to 2^53.
 *
 * Every method rejects with a {@link VfioError} that carries the errno the kernel would answer. What a device has to be asked for
 * is a promise, for it may be behind a socket or a region; what it said before (flags, state) is not.
 */
export interface MigratableDevice {
  readonly flags: MigrationFlags;
  /** The present state. After a failed transition it is where the device really is. */
  readonly state: DeviceState;
  /**
   * Walks the arcs of the transition table to `wanted`, one at a time.
   * EINVAL: a state that the flags do not offer, or ERROR. EIO: an arc failed; `state` says where it stopped.
   */
  setState(wanted: DeviceState): Promise<void>;
  /** Reads from the saving stream into `into`; EINVAL where no saving stream is open. */
  readData(into: Uint8Array): Promise<ReadResult>;
  /** Writes to the resuming stream; EINVAL where no resuming stream is open. */
  writeData(from: Uint8Array): Promise<void>;
  /** EINVAL outside of the pre-copy states. */
  precopyInfo(): Promise<PrecopyInfo>;
  /** `VFIO_DEVICE_FEATURE_MIG_DATA_SIZE`: an estimate of the bytes that STOP_COPY would read now. */
  dataSize(): Promise<number>;
  /** `VFIO_DEVICE_FEATURE_DMA_LOGGING_*`; see {@link DmaLogger}. */
  readonly dmaLogging: DmaLogging;
  /** From any state, ERROR included, to RUNNING with fresh contents. */
  reset(): Promise<void>;
  /** Releases timers and buffers. */
  close(): void;
}

/** Dirty tracking of a device's writes to guest memory. */
export interface DmaLogging {
  /** False where the device has none, and refuses all of it. */
  readonly supported?: boolean;
  readonly active: boolean;
  /** EINVAL: no range, unaligned or overlapping ranges, a page size that is no power of two of at least 4096; E2BIG: too many; EOVERFLOW. */
  start(ranges: readonly DmaRange[], pageSize: number): Promise<void>;
  /** Idempotent; forgets what was not reported. */
  stop(): Promise<void>;
  /**
   * Sets a bit in `bitmap` for every dirty page of `[iova, iova + length)` and forgets what it reported.
   * Bit 0 of word 0 is the first page; words are 32 bits.
   */
  report(iova: number, length: number, pageSize: number, bitmap: Uint32Array): Promise<void>;
}
