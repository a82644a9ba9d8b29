import type { DmaLogger } from '@godwit/vfio';

/** Bytes of a bitmap with a bit for each page of `length` bytes: whole 64-bit words. */
export function bitmapBytes(length: number, pageSize: number): number {
  return Math.ceil(Math.ceil(length / pageSize) / 64) * 8;
}

/** Takes over what a bitmap says of the pages from `address` on. */
export function markDirtyPages(logger: DmaLogger, address: number, pageSize: number, bitmap: Buffer): void {
  for (let word = 0; word < bitmap.length / 4; word++) {
    const bits = bitmap.readUInt32LE(word * 4);
    for (let left = bits; left !== 0; left &= left - 1) {
      const page = word * 32 + 31 - Math.clz32(left & -left);
      logger.mark(address + page * pageSize, pageSize);
    }
  }
}
