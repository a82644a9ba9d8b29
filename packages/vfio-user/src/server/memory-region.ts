import type { ServedRegion } from './function.js';

/** A region that keeps what is written to it. */
export class MemoryRegion implements ServedRegion {
  readonly bytes: Buffer;
  readonly #written: ((offset: number, length: number) => void) | undefined;

  /** @param written called after each write of the guest, with what it wrote */
  constructor(size: number, written?: (offset: number, length: number) => void) {
    this.bytes = Buffer.alloc(size);
    this.#written = written;
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, into: Uint8Array): void {
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    this.bytes.set(from, offset);
    this.#written?.(offset, from.length);
  }
}
