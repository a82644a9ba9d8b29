import type { GuestRam } from '../ports.js';
import { RUN_BYTES, recordTypes } from '../stream/records.js';
import type { OutgoingRecord, RecordSink, StreamWriter } from '../stream/writer.js';
import { DeliveryLog } from './delivery-log.js';
import { DirtyBitmap, PageRuns } from './dirty-bitmap.js';
import { type PlacedSegment, RamLayout } from './layout.js';
import { type PageDigestAlgorithm, PageDigests } from './page-digests.js';

/**
 * Bytes of RAM that go out at a time: enough to amortize a write, few enough that the receiver is busy while the next
 * batch is digested, and that a limit on bandwidth or a cancel takes effect soon.
 */
const BATCH_BYTES = 1 << 20;
/** Where nothing but a record goes out, more at a time keeps the destination's threads busy between two of them. */
const MAX_BATCH_BYTES = 4 << 20;
const BATCH_RUNS = 1024;
/** Zeros that pages are compared with at a time: few calls, and they stay in the cache. */
const ZERO_BYTES = 32 << 10;

/** Anything that knows which pages were written: the dirty log of the vCPUs, the DMA log of a device. */
export type DirtySource = (into: DirtyBitmap, layout: RamLayout) => void | Promise<void>;

/** Sends guest RAM: the dirty pages of one round after the other, out of the mapped memory. */
export class RamSender {
  readonly layout: RamLayout;
  readonly #digests: PageDigests;
  readonly #bitmap: DirtyBitmap;
  readonly #batch = new PageRuns(BATCH_RUNS);
  readonly #zeroRuns = new PageRuns(BATCH_RUNS + MAX_BATCH_BYTES / 4096);
  readonly #dataRuns = new PageRuns(BATCH_RUNS + MAX_BATCH_BYTES / 4096);
  readonly #zeros: Uint8Array;
  readonly #detectZeroPages: boolean;
  #deliveries: DeliveryLog | undefined;
  #segment = 0;
  #cursor = 0;
  #remaining = 0;
  #round = 0;
  /** Pages sent with their contents, pages sent as "all zeros", and bytes written for both. */
  normalPages = 0;
  zeroPages = 0;
  transferred = 0;

  /** @param detectZeroPages whether pages of zeros are sent as such, or like all others */
  constructor(ram: GuestRam, algorithm: PageDigestAlgorithm, detectZeroPages = true) {
    this.#detectZeroPages = detectZeroPages;
    this.layout = new RamLayout(ram);
    this.#digests = new PageDigests(this.layout, algorithm, MAX_BATCH_BYTES / this.layout.pageSize);
    this.#bitmap = new DirtyBitmap(this.layout.pages);
    this.#zeros = new Uint8Array(Math.max(ZERO_BYTES, this.layout.pageSize));
    this.#bitmap.setAll();
    this.#remaining = this.layout.pages;
  }

  /** Bytes of pages still to be sent in this round. */
  get remaining(): number {
    return this.#remaining * this.layout.pageSize;
  }

  /** Pages sent, with their contents or as zeros. */
  get pages(): number {
    return this.normalPages + this.zeroPages;
  }

  /** The round that is being sent, from 1: how many times it was found out which pages are to be sent. */
  get rounds(): number {
    return this.#round;
  }

  /** From here on it is known in which record each page went, for {@link resume}. Called before anything is sent. */
  keepDeliveries(): void {
    this.#deliveries = new DeliveryLog(this.layout.pages);
  }

  /**
   * The connection broke, and the destination has the first `arrived[c]` records of RAM of channel c, 0 being the main one:
   * sends again what was in the others. Throws {@link StreamError} for records that were not sent.
   */
  resume(arrived: readonly number[]): void {
    if (this.#deliveries === undefined) throw new Error('deliveries were not kept');
    this.#deliveries.markLost(arrived, this.#bitmap.words);
    this.#remaining = this.#bitmap.count();
  }

  /** Begins the first round: all pages. */
  begin(): void {
    this.#round = 1;
  }

  /** Begins a round: adds what was written since the last one. Returns how many pages this made dirty anew. */
  async collect(sources: readonly DirtySource[]): Promise<number> {
    const before = this.#remaining;
    for (const source of sources) await source(this.#bitmap, this.layout);
    this.#remaining = this.#bitmap.count();
    this.#round++;
    return this.#remaining - before;
  }

  /** Sends the next pages, at most `limit` bytes of them (at least one page); does nothing when none is left. */
  async send(sink: RecordSink, limit = MAX_BATCH_BYTES): Promise<void> {
    const copies = sink.copiesPages === true;
    const segment = this.#nextBatch(Math.min(limit, copies ? MAX_BATCH_BYTES : BATCH_BYTES));
    if (segment === undefined) return;
    const results = this.#digests.update(segment, this.#batch);
    this.#separate(segment, results);
    const records: OutgoingRecord[] = [];
    const sent = [this.#zeroRuns, this.#dataRuns].filter(({ length }) => length > 0);
    for (const runs of sent) this.#deliveries?.begin(runs);
    if (this.#zeroRuns.length > 0) {
      records.push({ type: recordTypes.RAM_ZERO, payload: encodeRuns(this.#zeroRuns) });
    }
    if (this.#dataRuns.length > 0) {
      const payload = encodeRuns(this.#dataRuns);
      records.push(
        copies
          ? { type: recordTypes.RAM_COPY, payload, copied: this.#dataRuns.pages * this.layout.pageSize }
          : { type: recordTypes.RAM_PAGES, payload, pages: this.#views(segment, this.#dataRuns) },
      );
    }
    this.zeroPages += this.#zeroRuns.pages;
    this.normalPages += this.#dataRuns.pages;
    const { bytes, channel } = await sink.write(...records);
    for (const runs of sent) this.#deliveries?.sent(runs, channel);
    this.transferred += bytes;
  }

  /** Tells the destination that a round ended. Both sides bring their digests up to date meanwhile. */
  async sendRoundMark(writer: StreamWriter): Promise<void> {
    this.#digests.groups();
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#round);
    await writer.write({ type: recordTypes.RAM_ROUND, payload });
  }

  /** Sends what the destination's RAM must add up to. The guest is stopped and nothing is left to send. */
  async sendDigests(writer: StreamWriter): Promise<void> {
    const groups = this.#digests.groups();
    const perRecord = (recordTypes.RAM_DIGESTS.maxPayload - 4) / 4;
    for (let first = 0; first < groups.length; first += perRecord) {
      const part = groups.subarray(first, first + perRecord);
      const payload = Buffer.allocUnsafe(4 + part.length * 4);
      payload.writeUInt32BE(first, 0);
      part.forEach((digest, index) => {
        payload.writeUInt32BE(digest, 4 + index * 4);
      });
      await writer.write({ type: recordTypes.RAM_DIGESTS, payload });
    }
  }

  /** Takes pages out of the bitmap, all from one segment. */
  #nextBatch(limit: number): PlacedSegment | undefined {
    if (this.#remaining === 0) return undefined;
    const batch = this.#batch;
    batch.clear();
    const pages = Math.max(1, Math.floor(limit / this.layout.pageSize));
    // One pass over the segments from the cursor on, and the first segment once more for the pages before the cursor.
    for (let turn = 0; turn <= this.layout.segments.length; turn++) {
      const segment = this.layout.segments[this.#segment]!;
      const end = segment.firstPage + segment.pages;
      this.#cursor = this.#bitmap.take(Math.max(this.#cursor, segment.firstPage), end, pages, batch);
      if (this.#cursor === end) {
        this.#segment = (this.#segment + 1) % this.layout.segments.length;
        this.#cursor = this.layout.segments[this.#segment]!.firstPage;
      }
      if (batch.length > 0) {
        this.#remaining -= batch.pages;
        return segment;
      }
    }
    return undefined;
  }

  /** Splits the batch into pages of zeros and pages with contents. */
  #separate(segment: PlacedSegment, digests: Uint32Array): void {
    this.#zeroRuns.clear();
    this.#dataRuns.clear();
    const { zero } = this.#digests;
    let index = 0;
    let nextZero = -1;
    for (let run = 0; run < this.#batch.length; run++) {
      let page = this.#batch.first[run]!;
      const end = page + this.#batch.count[run]!;
      while (page < end) {
        if (nextZero < index) {
          nextZero = this.#detectZeroPages ? digests.indexOf(zero, index) : -1;
          if (nextZero === -1) nextZero = digests.length;
        }
        const zeros = nextZero === index ? this.#zerosFrom(segment, page, end, digests, index) : 0;
        // What has the digest of zeros and is not is sent like all others.
        const count = zeros > 0 ? zeros : Math.min(end - page, Math.max(1, nextZero - index));
        (zeros > 0 ? this.#zeroRuns : this.#dataRuns).push(page, count);
        page += count;
        index += count;
      }
    }
  }

  /** How many pages from `page` on, before `end`, are found to hold zeros; there may be more. The digest of `page` is at `index`. */
  #zerosFrom(segment: PlacedSegment, page: number, end: number, digests: Uint32Array, index: number): number {
    const most = Math.min(end - page, this.#zeros.length / this.layout.pageSize);
    let likely = 0;
    while (likely < most && digests[index + likely] === this.#digests.zero) likely++;
    // Pages of zeros have this digest; few others do, and those the comparison finds.
    if (likely === 0 || this.#isZero(segment, page, likely)) return likely;
    let zeros = 0;
    while (zeros < likely && this.#isZero(segment, page + zeros, 1)) zeros++;
    return zeros;
  }

  #isZero(segment: PlacedSegment, page: number, count: number): boolean {
    const { pageSize } = this.layout;
    const offset = (page - segment.firstPage) * pageSize;
    const length = count * pageSize;
    const contents = segment.bytes.subarray(offset, offset + length);
    return Buffer.compare(contents, this.#zeros.subarray(0, length)) === 0;
  }

  #views(segment: PlacedSegment, runs: PageRuns): Uint8Array[] {
    const { pageSize } = this.layout;
    const views: Uint8Array[] = [];
    for (let run = 0; run < runs.length; run++) {
      const start = (runs.first[run]! - segment.firstPage) * pageSize;
      views.push(segment.bytes.subarray(start, start + runs.count[run]! * pageSize));
    }
    return views;
  }
}

function encodeRuns(runs: PageRuns): Buffer {
  const payload = Buffer.allocUnsafe(runs.length * RUN_BYTES);
  for (let run = 0; run < runs.length; run++) {
    payload.writeUInt32BE(runs.first[run]!, run * RUN_BYTES);
    payload.writeUInt32BE(runs.count[run]!, run * RUN_BYTES + 4);
  }
  return payload;
}
