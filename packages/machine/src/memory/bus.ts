/**
 * What answers at a range of ports or addresses. Any DeviceRegion of @godwit/vfio is one.
 * Offsets are relative to the start of the range; a handler may see any length. A handler that has to ask elsewhere
 * returns a promise, and whoever accesses the bus waits for it; ports are answered at once.
 */
export interface BusHandler {
  read(offset: number, into: Uint8Array): void | Promise<void>;
  write(offset: number, from: Uint8Array): void | Promise<void>;
}

/** The two address spaces that a vCPU reaches besides RAM. */
export type Space = 'port' | 'mmio';

interface Range {
  readonly base: number;
  readonly size: number;
  readonly handler: BusHandler;
  readonly name: string;
}

/** Where device windows are placed: above any RAM, as firmware does with 64-bit BARs. */
export const MMIO_BASE = 2 ** 40;
const SPACE_END: Readonly<Record<Space, number>> = { port: 0x10000, mmio: Number.MAX_SAFE_INTEGER };

/** Ports and memory-mapped windows of a machine. As on a PC, what nobody claims reads as ones and swallows writes. */
export class Bus {
  readonly #ranges: Readonly<Record<Space, Range[]>> = { port: [], mmio: [] };

  /** Claims `[base, base + size)`; throws when it overlaps another range. Returns how to give it back. */
  attach(space: Space, base: number, size: number, handler: BusHandler, name: string): () => void {
    const ranges = this.#ranges[space];
    if (!Number.isSafeInteger(base) || base < 0 || size <= 0 || base + size > SPACE_END[space]) {
      throw new RangeError(`${name}: no ${space} range at 0x${base.toString(16)} of ${size} bytes`);
    }
    const clash = ranges.find((range) => base < range.base + range.size && range.base < base + size);
    if (clash !== undefined) {
      throw new Error(`${name}: ${space} range at 0x${base.toString(16)} is taken by ${clash.name}`);
    }
    const range = { base, size, handler, name };
    ranges.push(range);
    return () => {
      const index = ranges.indexOf(range);
      if (index >= 0) ranges.splice(index, 1);
    };
  }

  /** A free, naturally aligned MMIO address for a window of `size` bytes. */
  place(size: number): number {
    const alignment = 2 ** Math.max(12, Math.ceil(Math.log2(size)));
    let base = MMIO_BASE;
    for (const range of [...this.#ranges.mmio].sort((a, b) => a.base - b.base)) {
      if (range.base < MMIO_BASE || range.base + range.size <= base) continue;
      if (base + size <= range.base) break;
      base = Math.ceil((range.base + range.size) / alignment) * alignment;
    }
    return base;
  }

  /** What is claimed, in ascending order. */
  ranges(space: Space): readonly { readonly base: number; readonly size: number; readonly name: string }[] {
    return [...this.#ranges[space]].sort((a, b) => a.base - b.base);
  }

  read(space: Space, address: number, into: Uint8Array): void | Promise<void> {
    const range = this.#find(space, address, into.length);
    if (range === undefined) into.fill(0xff);
    else return range.handler.read(address - range.base, into);
  }

  write(space: Space, address: number, from: Uint8Array): void | Promise<void> {
    const range = this.#find(space, address, from.length);
    return range?.handler.write(address - range.base, from);
  }

  /** An access as a vCPU makes it: what a failing or missing device leaves reads as ones, and a write that it does not take is lost. */
  access(kind: 'read' | 'write', space: Space, address: number, data: Uint8Array): void | Promise<void> {
    const failed = () => {
      if (kind === 'read') data.fill(0xff);
    };
    try {
      return this[kind](space, address, data)?.catch(failed);
    } catch {
      failed();
    }
  }

  /** An access that begins in a range but runs over its end belongs to nobody, unless it is string output to one port. */
  #find(space: Space, address: number, length: number): Range | undefined {
    const range = this.#ranges[space].find(({ base, size }) => address >= base && address < base + size);
    if (range === undefined || space === 'port') return range;
    return address + length <= range.base + range.size ? range : undefined;
  }
}
