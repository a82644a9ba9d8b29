import { DmaLogger, VfioError } from '@godwit/vfio';

/** Guest memory that the client gives to the server. Addresses and sizes are bytes. */
export interface MemoryRange {
  readonly address: number;
  /** What the server's messages read and write; the same memory as the file's, where there is one. */
  readonly bytes: Uint8Array;
  /** Default true. */
  readonly writable?: boolean;
  /** The file that the bytes are mapped from, for the server to map too. Stays with the caller. */
  readonly file?: { readonly fd: number; readonly offset: number };
}

/** The memory that the server was told of, as its DMA messages reach it. */
export class ClientMemory {
  readonly #ranges: MemoryRange[] = [];
  /** What DMA messages wrote: the server logs only what it writes to mapped memory. */
  readonly logger = new DmaLogger();

  get ranges(): readonly MemoryRange[] {
    return this.#ranges;
  }

  /** EEXIST: it overlaps another. */
  add(range: MemoryRange): void {
    const end = range.address + range.bytes.length;
    if (this.#ranges.some((each) => each.address < end && range.address < each.address + each.bytes.length)) {
      throw new VfioError('EEXIST', 'a memory range overlaps another');
    }
    this.#ranges.push(range);
  }

  /** The range that begins there. ENOENT: there is none. */
  remove(address: number): MemoryRange {
    const index = this.#ranges.findIndex((range) => range.address === address);
    if (index < 0) throw new VfioError('ENOENT', 'no such memory range');
    return this.#ranges.splice(index, 1)[0]!;
  }

  clear(): void {
    this.#ranges.length = 0;
  }

  /** Whatever the bytes are in; EFAULT where that is not one range. */
  read(address: number, length: number): Uint8Array {
    return this.#find(address, length).bytes;
  }

  write(address: number, from: Uint8Array): void {
    const { bytes, writable } = this.#find(address, from.length);
    if (!writable) throw new VfioError('EFAULT', `the memory at 0x${address.toString(16)} cannot be written`);
    bytes.set(from);
    this.logger.mark(address, from.length);
  }

  #find(address: number, length: number): { bytes: Uint8Array; writable: boolean } {
    for (const range of this.#ranges) {
      const start = address - range.address;
      if (start < 0 || start + length > range.bytes.length) continue;
      return { bytes: range.bytes.subarray(start, start + length), writable: range.writable ?? true };
    }
    throw new VfioError('EFAULT', `no memory at 0x${address.toString(16)}`);
  }
}
