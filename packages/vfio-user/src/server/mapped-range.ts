import { fstatSync } from 'node:fs';
import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';

/** A mapping is limited to 4 GiB by Node's buffers; smaller ones are easier to come by. */
const SEGMENT_SIZE = 2 ** 30;
const PAGE_SIZE = 4096;

/** Part of a range, mapped in one piece. */
interface Segment {
  /** In the client's memory. */
  readonly address: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly buffer: ArrayBuffer;
  faults: number;
  /** Faults of the whole process when those of this mapping were last looked at. */
  lookedAt: number;
}

/** A range of the client's memory that is mapped from a file here. */
export class MappedRange {
  readonly #native: Native;
  readonly #faultCounter: Uint32Array;
  readonly #segments: Segment[] = [];

  /** Maps `size` bytes of `fd` from `offset`. EINVAL: the file does not cover them, or cannot be mapped. */
  constructor(
    native: Native,
    { address, size, writable }: { address: number; size: number; writable: boolean },
    fd: number,
    offset: number,
  ) {
    this.#native = native;
    this.#faultCounter = native.faultCounter();
    const status = fstatSync(fd);
    if (status.isFile() && offset + size > status.size) {
      throw new VfioError('EINVAL', 'a DMA range exceeds its file');
    }
    // The file's pages, which may begin before the range does.
    const skew = offset % PAGE_SIZE;
    try {
      for (let at = 0; at < size; ) {
        const lead = at === 0 ? skew : 0;
        const length = Math.min(size - at, SEGMENT_SIZE - lead);
        const buffer = native.mmap(fd, offset + at - lead, length + lead, writable);
        const bytes = new Uint8Array(buffer, lead, length);
        const lookedAt = this.#faultCounter[0]!;
        this.#segments.push({ address: address + at, bytes, buffer, faults: 0, lookedAt });
        at += length;
      }
    } catch (cause) {
      this.release();
      throw new VfioError('EINVAL', 'a DMA range cannot be mapped', { cause });
    }
  }

  /** Reads what lies in the range. EFAULT: the file has shrunk. */
  read(address: number, into: Uint8Array): void {
    for (const segment of this.#segments) {
      const start = Math.max(address, segment.address);
      const end = Math.min(address + into.length, segment.address + segment.bytes.length);
      if (start >= end) continue;
      into.set(segment.bytes.subarray(start - segment.address, end - segment.address), start - address);
      this.#check(segment);
    }
  }

  /** Likewise. */
  write(address: number, from: Uint8Array): void {
    for (const segment of this.#segments) {
      const start = Math.max(address, segment.address);
      const end = Math.min(address + from.length, segment.address + segment.bytes.length);
      if (start >= end) continue;
      const all = end - start === from.length;
      segment.bytes.set(all ? from : from.subarray(start - address, end - address), start - segment.address);
      this.#check(segment);
    }
  }

  /** The memory itself; undefined where it is not in one piece. */
  view(address: number, length: number): Uint8Array | undefined {
    for (const segment of this.#segments) {
      const start = address - segment.address;
      if (start >= 0 && start + length <= segment.bytes.length) {
        return segment.bytes.subarray(start, start + length);
      }
    }
    return undefined;
  }

  release(): void {
    for (const { buffer } of this.#segments.splice(0)) this.#native.munmap(buffer);
  }

  #check(segment: Segment): void {
    const all = this.#faultCounter[0]!;
    if (all === segment.lookedAt) return;
    segment.lookedAt = all;
    const faults = this.#native.mappingFaults(segment.buffer);
    if (faults === segment.faults) return;
    segment.faults = faults;
    throw new VfioError('EFAULT', 'the file behind a DMA range has shrunk');
  }
}
