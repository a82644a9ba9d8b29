import type { DmaLogging, DmaRange } from '../device.js';
import { checkLoggingRanges, checkReport } from '../dma-logger.js';
import { VfioError } from '../error.js';
import { V1_PAGE_SIZE } from './layout.js';
import type { RegionUser } from './region-user.js';

/** What the logging needs of the device around it. */
export interface LoggingOwner {
  /** A driver tracks from MIGRATION_SETUP on. */
  beginTracking(): Promise<void>;
  endTracking(): Promise<void>;
  /** Whether the driver can be asked: from MIGRATION_SETUP until the migration ends. */
  readonly isTracking: boolean;
}

/** DMA logging by "get dirty pages bitmap": the driver reports 4 KiB pages, in portions as large as its data area. */
export class V1DmaLogging implements DmaLogging {
  readonly #user: RegionUser;
  readonly #owner: LoggingOwner;
  #ranges: readonly DmaRange[] = [];
  /** Where any page may be dirty, because the driver stopped tracking in between. */
  #unknown: readonly DmaRange[] = [];

  constructor(user: RegionUser, owner: LoggingOwner) {
    this.#user = user;
    this.#owner = owner;
  }

  get active(): boolean {
    return this.#ranges.length > 0;
  }

  async start(ranges: readonly DmaRange[], pageSize: number): Promise<void> {
    if (this.active) throw new VfioError('EBUSY', 'DMA logging is already started');
    const sorted = checkLoggingRanges(ranges, pageSize);
    await this.#owner.beginTracking();
    this.#ranges = sorted;
    this.#unknown = [];
  }

  async stop(): Promise<void> {
    if (!this.active) return;
    this.#ranges = [];
    await this.#owner.endTracking();
  }

  /** A migration ended while logging goes on; what its driver had not reported is lost, so that all pages count as dirty. */
  interrupted(): void {
    this.#unknown = this.#ranges;
  }

  async report(iova: number, length: number, pageSize: number, bitmap: Uint32Array): Promise<void> {
    if (!this.active) throw new VfioError('EINVAL', 'DMA logging is not started');
    checkReport({ iova, length }, pageSize, bitmap);
    const area = { iova, length };
    for (const range of this.#unknown) {
      const part = overlap(area, range);
      if (part === undefined) continue;
      const end = part.iova + part.length;
      setPages(bitmap, Math.floor((part.iova - iova) / pageSize), Math.ceil((end - iova) / pageSize));
    }
    this.#unknown = this.#unknown.flatMap((range) => without(range, area));
    if (!this.#owner.isTracking) return;
    for (const range of this.#ranges) {
      const part = overlap(area, range);
      if (part !== undefined) await this.#reportPart(part, { iova, pageSize, bitmap });
    }
  }

  async #reportPart(
    part: DmaRange,
    target: { iova: number; pageSize: number; bitmap: Uint32Array },
  ): Promise<void> {
    const total = part.length / V1_PAGE_SIZE;
    await this.#user.requestDirtyPages(part.iova, total);
    for (let done = 0; done < total; ) {
      const { pages, bitmap } = await this.#user.dirtyPortion(total - done);
      if (pages === 0) return;
      const first = (part.iova + done * V1_PAGE_SIZE - target.iova) / V1_PAGE_SIZE;
      if (target.pageSize === V1_PAGE_SIZE && first % 32 === 0) {
        orWords(target.bitmap, first / 32, bitmap, pages);
      } else {
        orPages(target.bitmap, first, bitmap, pages, target.pageSize / V1_PAGE_SIZE);
      }
      done += pages;
    }
  }
}

function overlap(a: DmaRange, b: DmaRange): DmaRange | undefined {
  const iova = Math.max(a.iova, b.iova);
  const length = Math.min(a.iova + a.length, b.iova + b.length) - iova;
  return length > 0 ? { iova, length } : undefined;
}

/** What is left of a range: nothing, one or two parts. */
function without(range: DmaRange, removed: DmaRange): DmaRange[] {
  const before = overlap(range, { iova: 0, length: removed.iova });
  const end = removed.iova + removed.length;
  const after = overlap(range, { iova: end, length: Number.MAX_SAFE_INTEGER - end });
  return [before, after].filter((part) => part !== undefined);
}

function setPages(into: Uint32Array, first: number, end: number): void {
  for (let page = first; page < end; page++) into[page >>> 5]! |= 1 << (page & 31);
}

/** Ors the bits of `pages` pages from a word on. */
function orWords(into: Uint32Array, word: number, bitmap: Uint8Array, pages: number): void {
  const words = Math.floor(pages / 32);
  const from = new Uint32Array(bitmap.buffer, bitmap.byteOffset, words);
  for (let index = 0; index < words; index++) into[word + index]! |= from[index]!;
  const rest = bitmap.subarray(words * 4);
  orPages(into, (word + words) * 32, rest, pages - words * 32, 1);
}

/** Ors page by page; `first` counts V1 pages, of which `ratio` make one of the target. */
function orPages(into: Uint32Array, first: number, bitmap: Uint8Array, pages: number, ratio: number): void {
  for (let page = 0; page < pages; page++) {
    if ((bitmap[page >>> 3]! & (1 << (page & 7))) === 0) continue;
    const bit = Math.floor((first + page) / ratio);
    into[bit >>> 5]! |= 1 << (bit & 31);
  }
}
