import { MismatchError, StreamError } from '../errors.js';
import type { GuestRam } from '../ports.js';
import type { IncomingRecord, StreamReader } from '../stream/reader.js';
import { DIGEST_GROUP_BYTES, MAX_PAGES_BYTES, RUN_BYTES } from '../stream/records.js';
import { PageRuns, placedRuns } from './dirty-bitmap.js';
import { type PlacedSegment, RamLayout } from './layout.js';
import { type PageDigestAlgorithm, PageDigests } from './page-digests.js';
import type { SourceRam } from './sharing.js';

/** Pages are digested this soon after they arrived, while the cache still has them. */
const DIGEST_BYTES = 256 << 10;

/** Consecutive pages of one segment. */
interface PlacedRun {
  readonly first: number;
  readonly count: number;
  readonly segment: PlacedSegment;
}

/** Puts the pages of a stream where they belong and remembers a digest of each. */
export class RamReceiver {
  readonly layout: RamLayout;
  readonly #digests: PageDigests;
  readonly #chunk = new PageRuns(1);
  /** Whether a page of RAM may have contents: it had some before, or got some. One byte for each page. */
  readonly #touched: Uint8Array;
  /** The 2 MiB groups whose digest has been compared. */
  #checked = 0;
  transferred = 0;
  /** RAM_ZERO, RAM_PAGES and RAM_COPY records that arrived whole, by channel; 0 is the main one. */
  readonly #arrived: number[] = [];
  /** RAM_COPY records over the present connection. */
  copies = 0;
  copiedBytes = 0;

  constructor(ram: GuestRam, algorithm: PageDigestAlgorithm) {
    this.layout = new RamLayout(ram);
    this.#digests = new PageDigests(this.layout, algorithm, DIGEST_BYTES / this.layout.pageSize);
    this.#touched = new Uint8Array(this.layout.pages).fill(ram.fresh === true ? 0 : 1);
  }

  /** Reads the pages that follow a RAM_PAGES record. */
  async receivePages(record: IncomingRecord, reader: StreamReader, channel = 0): Promise<void> {
    const { pageSize } = this.layout;
    const pages = this.#countPages(record);
    const runs = this.#decodeRuns(record);
    for (const { first, count, segment } of runs) {
      this.#touched.fill(1, first, first + count);
      const step = DIGEST_BYTES / pageSize;
      for (let page = first; page < first + count; page += step) {
        const chunk = Math.min(step, first + count - page);
        const offset = (page - segment.firstPage) * pageSize;
        await reader.readPages(segment.bytes.subarray(offset, offset + chunk * pageSize), record.type);
        this.#chunk.clear();
        this.#chunk.push(page, chunk);
        this.#digests.update(segment, this.#chunk);
      }
    }
    this.transferred += record.payload.length + pages * pageSize;
    this.#count(channel);
  }

  /** Copies the pages of a RAM_COPY record out of the source's memory. */
  async copyPages(record: IncomingRecord, source: SourceRam, channel = 0): Promise<void> {
    const pages = this.#countPages(record);
    const placed = this.#decodeRuns(record);
    const { segment } = placed[0]!;
    const runs = new PageRuns(placed.length);
    for (const { first, count, segment: other } of placed) {
      if (other !== segment) throw new StreamError('a RAM_COPY record has pages of several segments of RAM');
      this.#touched.fill(1, first, first + count);
      runs.push(first, count);
    }
    const digests = new Uint32Array(pages);
    await source.copy(segment, placedRuns(runs, segment.firstPage), digests);
    this.#digests.set(runs, digests);
    this.copiedBytes += pages * this.layout.pageSize;
    this.transferred += record.payload.length + pages * this.layout.pageSize;
    this.copies++;
    this.#count(channel);
  }

  receiveZeros(record: IncomingRecord, channel = 0): void {
    for (const { first, count, segment } of this.#decodeRuns(record)) {
      this.#clear(segment, first, count);
      this.#digests.setZero(first, count);
    }
    this.transferred += record.payload.length;
    this.#count(channel);
  }

  /** How many records of RAM have arrived whole over each of so many channels. */
  arrivedOver(channels: number): number[] {
    return Array.from({ length: channels }, (_, channel) => this.#arrived[channel] ?? 0);
  }

  /** The stream goes on over another connection; digests are compared anew. */
  resume(): void {
    this.#checked = 0;
    this.copies = 0;
  }

  /** A round ended: a good moment to bring the digests up to date. */
  endRound(): void {
    this.#digests.groups();
  }

  /** Compares the source's digests with what was received; throws {@link MismatchError} with the first address that differs. */
  checkDigests(record: IncomingRecord): void {
    const groups = this.#digests.groups();
    const first = record.payload.readUInt32BE(0);
    const count = (record.payload.length - 4) / 4;
    if (first !== this.#checked || !Number.isInteger(count) || first + count > groups.length) {
      throw new StreamError('RAM_DIGESTS records out of order');
    }
    for (let index = 0; index < count; index++) {
      if (record.payload.readUInt32BE(4 + index * 4) === groups[first + index]) continue;
      const page = ((first + index) * DIGEST_GROUP_BYTES) / this.layout.pageSize;
      throw new MismatchError(
        `guest RAM was damaged on its way, within 2 MiB from address 0x${this.layout.addressOf(page).toString(16)}`,
      );
    }
    this.#checked += count;
  }

  /** Throws {@link StreamError} unless all of RAM has been compared. */
  checkComplete(): void {
    if (this.#checked !== this.#digests.groups().length) {
      throw new StreamError('the stream ends without the digests of all RAM');
    }
  }

  #count(channel: number): void {
    this.#arrived[channel] = (this.#arrived[channel] ?? 0) + 1;
  }

  /** How many pages the runs of a record have together. */
  #countPages({ payload, type }: IncomingRecord): number {
    let pages = 0;
    for (let end = RUN_BYTES; end <= payload.length; end += RUN_BYTES) pages += payload.readUInt32BE(end - 4);
    if (pages * this.layout.pageSize <= MAX_PAGES_BYTES) return pages;
    throw new StreamError(`a ${type.name} record has ${pages} pages, which is more than allowed`);
  }

  /** Several channels may be receiving at once, so nothing of this is kept in a place of its own. */
  #decodeRuns({ payload, type }: IncomingRecord): PlacedRun[] {
    if (payload.length % RUN_BYTES !== 0)
      throw new StreamError(`a ${type.name} record ends inside a run of pages`);
    this.#checked = 0;
    const runs: PlacedRun[] = [];
    for (let offset = 0; offset < payload.length; offset += RUN_BYTES) {
      const first = payload.readUInt32BE(offset);
      const count = payload.readUInt32BE(offset + 4);
      if (count === 0) throw new StreamError(`a ${type.name} record has an empty run of pages`);
      runs.push({ first, count, segment: this.#segmentFor(first, count) });
    }
    return runs;
  }

  #segmentFor(first: number, count: number): PlacedSegment {
    const segment = this.layout.segmentOf(first);
    if (segment === undefined || first + count > segment.firstPage + segment.pages) {
      throw new StreamError(`pages ${first} to ${first + count - 1} are not within one segment of RAM`);
    }
    return segment;
  }

  /** Zeroes pages, but leaves memory that was never written alone: it would only be allocated. */
  #clear(segment: PlacedSegment, first: number, count: number): void {
    const { pageSize } = this.layout;
    let page = first;
    const end = first + count;
    while (page < end) {
      const start = this.#touched.indexOf(1, page);
      if (start === -1 || start >= end) return;
      const next = this.#touched.indexOf(0, start);
      const stop = next === -1 || next > end ? end : next;
      const offset = segment.firstPage * pageSize;
      segment.bytes.fill(0, start * pageSize - offset, stop * pageSize - offset);
      this.#touched.fill(0, start, stop);
      page = stop;
    }
  }
}
