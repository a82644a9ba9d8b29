import { fchmodSync } from 'node:fs';
import type { GuestRam, RamSegment } from '@godwit/migration';
import type { Native } from '@godwit/native';

/** Bytes of a guest page. */
export const PAGE_SIZE = 4096;

/** No mapping of guest RAM is longer than this; Node 20 limits one to 4 GiB. */
const MAX_SEGMENT_BYTES = 1024 ** 3;

const OWNER_READS = 0o400;

/** A segment holds whole words of a dirty bitmap. */
const SEGMENT_UNIT = 32 * PAGE_SIZE;

/** What a thread needs to map the same RAM; it can be posted to a worker of this process. */
export interface RamHandle {
  readonly size: number;
  readonly segmentBytes: number;
  readonly backing:
    | { readonly kind: 'memfd'; readonly fd: number }
    | { readonly kind: 'shared'; readonly buffers: readonly SharedArrayBuffer[] };
}

export interface GuestMemoryOptions {
  /** Bytes; a positive multiple of {@link PAGE_SIZE}. */
  readonly size: number;
  /** Without it RAM is a SharedArrayBuffer, which no other process can map. */
  readonly native?: Native | undefined;
  readonly name?: string;
  /** A multiple of 32 pages, at most {@link MAX_SEGMENT_BYTES}; smaller in tests. */
  readonly segmentBytes?: number;
}

/**
 * The RAM of one machine, zero at first: a memfd that is mapped here and by every vCPU thread, or, without the addon,
 * SharedArrayBuffers. This object owns the descriptor and the mappings.
 */
export class GuestMemory implements GuestRam {
  readonly size: number;
  readonly pageSize = PAGE_SIZE;
  readonly segments: readonly RamSegment[];
  readonly handle: RamHandle;
  readonly #native: Native | undefined;
  #closed = false;
  #fresh = true;

  constructor(options: GuestMemoryOptions) {
    const { size, native, name = 'guest-ram', segmentBytes = MAX_SEGMENT_BYTES } = options;
    if (!Number.isSafeInteger(size) || size <= 0 || size % PAGE_SIZE !== 0) {
      throw new RangeError(`guest RAM of ${size} bytes is not a positive multiple of ${PAGE_SIZE} bytes`);
    }
    if (segmentBytes <= 0 || segmentBytes > MAX_SEGMENT_BYTES || segmentBytes % SEGMENT_UNIT !== 0) {
      throw new RangeError(`a RAM segment of ${segmentBytes} bytes is not possible`);
    }
    this.size = size;
    this.#native = native;
    if (native === undefined) {
      this.handle = {
        size,
        segmentBytes,
        backing: { kind: 'shared', buffers: allocateShared(size, segmentBytes) },
      };
      this.segments = mapRam(this.handle, undefined);
      return;
    }
    const fd = native.memfdCreate(name, size, { sealed: true });
    // Who is given a descriptor for reading shall not be able to open it anew for writing.
    fchmodSync(fd, OWNER_READS);
    this.handle = { size, segmentBytes, backing: { kind: 'memfd', fd } };
    try {
      this.segments = mapRam(this.handle, native);
    } catch (error) {
      native.close(fd);
      throw error;
    }
  }

  /** Pages of {@link PAGE_SIZE} bytes. */
  get pages(): number {
    return this.size / PAGE_SIZE;
  }

  get fresh(): boolean {
    return this.#fresh;
  }

  /** Whoever writes to RAM says so before the first time; see {@link GuestRam.fresh}. */
  markUsed(): void {
    this.#fresh = false;
  }

  /** The descriptor of the memfd, for those who share RAM with another process; it stays owned by this object. */
  get descriptor(): number | undefined {
    return this.handle.backing.kind === 'memfd' ? this.handle.backing.fd : undefined;
  }

  /** Unmaps and closes; no thread may use the RAM any more. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#native === undefined || this.handle.backing.kind !== 'memfd') return;
    for (const segment of this.segments) this.#native.munmap(segment.bytes.buffer as ArrayBuffer);
    this.#native.close(this.handle.backing.fd);
  }
}

/** Maps the RAM behind `handle` into the calling thread. */
export function mapRam(handle: RamHandle, native: Native | undefined): RamSegment[] {
  const { size, segmentBytes, backing } = handle;
  const segments: RamSegment[] = [];
  for (let address = 0; address < size; address += segmentBytes) {
    const length = Math.min(segmentBytes, size - address);
    if (backing.kind === 'shared') {
      segments.push({ address, bytes: new Uint8Array(backing.buffers[segments.length]!) });
      continue;
    }
    if (native === undefined) throw new Error('mapping guest RAM needs the addon of @godwit/native');
    try {
      segments.push({ address, bytes: new Uint8Array(native.mmap(backing.fd, address, length, true)) });
    } catch (error) {
      unmapRam(segments, native);
      throw error;
    }
  }
  return segments;
}

export function unmapRam(segments: readonly RamSegment[], native: Native): void {
  for (const segment of segments) native.munmap(segment.bytes.buffer as ArrayBuffer);
}

function allocateShared(size: number, segmentBytes: number): SharedArrayBuffer[] {
  const buffers: SharedArrayBuffer[] = [];
  for (let address = 0; address < size; address += segmentBytes) {
    buffers.push(new SharedArrayBuffer(Math.min(segmentBytes, size - address)));
  }
  return buffers;
}
