import type { DmaLogging, DmaRange } from './device.js';
import { VfioError } from './error.js';

/** Ranges that one START may carry; the kernel's `LOG_MAX_RANGES` is a page of 16-byte ranges. */
export const MAX_DMA_LOGGING_RANGES = 256;

const MIN_PAGE_SIZE = 4096;
/** Pages of one chunk of the bitmap; chunks exist only where something is dirty, so that an empty range costs nothing. */
const CHUNK_PAGES = 1 << 15;
const CHUNK_WORDS = CHUNK_PAGES / 32;

/** Records which pages a device wrote: `VFIO_DEVICE_FEATURE_DMA_LOGGING_START`, `STOP` and `REPORT` of linux/vfio.h. */
export class DmaLogger implements DmaLogging {
  readonly #maxRanges: number;
  #ranges: readonly DmaRange[] = [];
  #pageSize = 0;
  readonly #chunks = new Map<number, Uint32Array>();

  constructor(maxRanges = MAX_DMA_LOGGING_RANGES) {
    this.#maxRanges = maxRanges;
  }

  get active(): boolean {
    return this.#pageSize !== 0;
  }

  /** Where the device's writes are recorded; empty while logging is off. */
  get ranges(): readonly DmaRange[] {
    return this.#ranges;
  }

  async start(ranges: readonly DmaRange[], pageSize: number): Promise<void> {
    if (this.active) throw new VfioError('EBUSY', 'DMA logging is already started');
    this.#ranges = checkLoggingRanges(ranges, pageSize, this.#maxRanges);
    this.#pageSize = pageSize;
  }

  async stop(): Promise<void> {
    this.clear();
  }

  /** {@link stop}, at once. */
  clear(): void {
    this.#ranges = [];
    this.#pageSize = 0;
    this.#chunks.clear();
  }

  /** The device wrote `length` bytes at `address`. Does nothing outside of the ranges or while logging is off. */
  mark(address: number, length: number): void {
    if (this.#pageSize === 0 || length <= 0) return;
    for (const range of this.#ranges) {
      const start = Math.max(address, range.iova);
      const end = Math.min(address + length, range.iova + range.length);
      if (start >= end) continue;
      const last = Math.floor((end - 1) / this.#pageSize);
      for (let page = Math.floor(start / this.#pageSize); page <= last; page++) this.#set(page);
    }
  }

  async report(iova: number, length: number, pageSize: number, bitmap: Uint32Array): Promise<void> {
    if (!this.active) throw new VfioError('EINVAL', 'DMA logging is not started');
    checkReport({ iova, length }, pageSize, bitmap);
    const tracked = this.#pageSize;
    // A tracked page that lies only partly in the report stays dirty: its other part has not been reported.
    const first = Math.ceil(iova / tracked);
    const end = Math.floor((iova + length) / tracked);
    for (const [chunk, words] of this.#chunks) {
      const base = chunk * CHUNK_PAGES;
      if (base + CHUNK_PAGES <= Math.floor(iova / tracked) || base * tracked >= iova + length) continue;
      for (let index = 0; index < CHUNK_WORDS; index++) {
        const word = words[index]!;
        if (word === 0) continue;
        const page = base + index * 32;
        if (pageSize === tracked && page >= first && page + 32 <= end) {
          orWord(bitmap, page - first, word);
          words[index] = 0;
        } else {
          words[index] = this.#reportWord(page, word, { iova, length }, pageSize, bitmap);
        }
      }
    }
  }

  /** Reports the pages of one word bit by bit; returns the bits that stay. */
  #reportWord(page: number, word: number, area: DmaRange, pageSize: number, bitmap: Uint32Array): number {
    const tracked = this.#pageSize;
    let rest = word;
    for (let bit = 0; bit < 32; bit++) {
      if ((word & (1 << bit)) === 0) continue;
      const start = (page + bit) * tracked;
      const from = Math.max(start, area.iova);
      const to = Math.min(start + tracked, area.iova + area.length);
      if (from >= to) continue;
      const last = Math.floor((to - 1 - area.iova) / pageSize);
      for (let target = Math.floor((from - area.iova) / pageSize); target <= last; target++) {
        bitmap[target >>> 5]! |= 1 << (target & 31);
      }
      if (to - from === tracked) rest &= ~(1 << bit);
    }
    return rest;
  }

  #set(page: number): void {
    const number = Math.floor(page / CHUNK_PAGES);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_WORDS);
      this.#chunks.set(number, chunk);
    }
    const bit = page % CHUNK_PAGES;
    chunk[bit >>> 5]! |= 1 << (bit & 31);
  }
}

/** The ranges of a START, sorted; throws what {@link DmaLogging.start} promises. */
export function checkLoggingRanges(
  ranges: readonly DmaRange[],
  pageSize: number,
  maxRanges = MAX_DMA_LOGGING_RANGES,
): readonly DmaRange[] {
  checkPageSize(pageSize);
  if (ranges.length === 0) throw new VfioError('EINVAL', 'DMA logging needs at least one range');
  if (ranges.length > maxRanges) {
    throw new VfioError('E2BIG', `${ranges.length} DMA logging ranges are more than ${maxRanges}`);
  }
  for (const range of ranges) checkRange(range, pageSize, 'DMA logging range');
  const sorted = ranges.toSorted((a, b) => a.iova - b.iova);
  for (const [index, range] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && before.iova + before.length > range.iova) {
      throw new VfioError('EINVAL', `DMA logging ranges ${text(before)} and ${text(range)} overlap`);
    }
  }
  return sorted;
}

/** Throws what {@link DmaLogging.report} promises. */
export function checkReport(area: DmaRange, pageSize: number, bitmap: Uint32Array): void {
  checkPageSize(pageSize);
  checkRange(area, pageSize, 'DMA report range');
  const pages = area.length / pageSize;
  if (bitmap.length * 32 < pages) {
    throw new VfioError('EINVAL', `a bitmap of ${bitmap.length * 32} bits is too small for ${pages} pages`);
  }
}

/** Ors 32 bits into a bitmap from bit `position` on. */
function orWord(bitmap: Uint32Array, position: number, word: number): void {
  const index = Math.floor(position / 32);
  const shift = position & 31;
  bitmap[index]! |= word << shift;
  if (shift !== 0) {
    const carry = word >>> (32 - shift);
    if (carry !== 0) bitmap[index + 1]! |= carry;
  }
}

function checkPageSize(pageSize: number): void {
  const isPowerOfTwo = Number.isSafeInteger(pageSize) && Number.isInteger(Math.log2(pageSize));
  if (!isPowerOfTwo || pageSize < MIN_PAGE_SIZE) {
    throw new VfioError(
      'EINVAL',
      `DMA logging page size ${pageSize} is no power of two of at least ${MIN_PAGE_SIZE}`,
    );
  }
}

function checkRange(range: DmaRange, pageSize: number, what: string): void {
  const { iova, length } = range;
  if (!(iova >= 0) || !(length > 0)) {
    throw new VfioError('EINVAL', `${what} ${text(range)} is empty or negative`);
  }
  if (!Number.isSafeInteger(iova) || !Number.isSafeInteger(length) || !Number.isSafeInteger(iova + length)) {
    throw new VfioError('EOVERFLOW', `${what} ${text(range)} ends beyond 2^53`);
  }
  if (iova % pageSize !== 0 || length % pageSize !== 0) {
    throw new VfioError('EINVAL', `${what} ${text(range)} is not aligned to ${pageSize}`);
  }
}

function text(range: DmaRange): string {
  return `[0x${range.iova.toString(16)}, +0x${range.length.toString(16)}]`;
}
