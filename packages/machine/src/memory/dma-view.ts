import { type DmaMemory, VfioError } from '@godwit/vfio/contract';
import type { GuestMemory } from './guest-memory.js';

/** Guest RAM as devices reach it. It marks nothing dirty: see {@link DirtyBitmap}. */
export class DmaView implements DmaMemory {
  readonly #ram: Pick<GuestMemory, 'size' | 'segments' | 'markUsed'>;

  constructor(ram: Pick<GuestMemory, 'size' | 'segments' | 'markUsed'>) {
    this.#ram = ram;
  }

  read(address: number, into: Uint8Array): void {
    this.#each(address, into.length, (part, offset) => into.set(part, offset));
  }

  write(address: number, from: Uint8Array): void {
    this.#ram.markUsed();
    this.#each(address, from.length, (part, offset) => part.set(from.subarray(offset, offset + part.length)));
  }

  /** Calls `visit` for each piece of RAM of `[address, address + length)`, which may cross segments. */
  #each(address: number, length: number, visit: (part: Uint8Array, offset: number) => void): void {
    if (!Number.isSafeInteger(address) || address < 0 || address + length > this.#ram.size) {
      throw new VfioError(
        'EFAULT',
        `DMA to 0x${address.toString(16)}, ${length} bytes, is outside of guest RAM of ${this.#ram.size} bytes`,
      );
    }
    for (const segment of this.#ram.segments) {
      const start = Math.max(address, segment.address);
      const end = Math.min(address + length, segment.address + segment.bytes.length);
      if (start < end)
        visit(segment.bytes.subarray(start - segment.address, end - segment.address), start - address);
    }
  }
}
