import { StreamError } from '../errors.js';
import type { PageRuns } from './dirty-bitmap.js';

/** Of a page whose record was given to a connection that broke before it said over which channel it went. */
const NOWHERE = 0xffffffff;

/**
 * Over which channel and in which of its records each page was last sent, so that after a break only what did not arrive
 * is sent again. Each channel numbers its records from 1 in the order in which they are written, which is the order in
 * which they arrive; between channels there is none. It is not needed: an older copy of a page never arrives after a newer
 * one, because a SYNC on every channel stands between the two.
 */
export class DeliveryLog {
  /** The record; 0 for a page that was never sent, or has arrived. */
  readonly #sentIn: Uint32Array;
  readonly #sentOver: Uint8Array;
  /** By channel, the main one first. */
  readonly #records: number[] = [];
  /** Records that are on their way to a channel. */
  #underWay = 0;

  constructor(pages: number) {
    this.#sentIn = new Uint32Array(pages);
    this.#sentOver = new Uint8Array(pages);
  }

  /** These pages go into the next record of some channel. */
  begin(runs: PageRuns): void {
    this.#underWay++;
    this.#note(runs, NOWHERE, 0);
  }

  /** The channel of the pages that were begun. In the order in which the channel writes. */
  sent(runs: PageRuns, channel: number): void {
    this.#underWay--;
    const record = (this.#records[channel] ?? 0) + 1;
    this.#records[channel] = record;
    this.#note(runs, record, channel);
  }

  /**
   * Only the first `arrived[c]` records of channel c have arrived: marks the pages of the others. The next records follow
   * those. Throws {@link StreamError} for records that were not sent.
   */
  markLost(arrived: readonly number[], into: Uint32Array): void {
    for (const [channel, count] of arrived.entries()) {
      const sent = this.#records[channel] ?? 0;
      if (count <= sent + this.#underWay) continue;
      throw new StreamError(
        `the destination says that ${count} records of RAM have arrived over channel ${channel}, of ${sent}`,
      );
    }
    const sentIn = this.#sentIn;
    for (let page = 0; page < sentIn.length; page++) {
      const record = sentIn[page]!;
      if (record === 0) continue;
      if (record > (arrived[this.#sentOver[page]!] ?? 0)) into[page >>> 5]! |= 1 << (page & 31);
      sentIn[page] = 0;
    }
    this.#records.splice(0, Number.POSITIVE_INFINITY, ...arrived);
    this.#underWay = 0;
  }

  #note(runs: PageRuns, record: number, channel: number): void {
    for (let run = 0; run < runs.length; run++) {
      const first = runs.first[run]!;
      const end = first + runs.count[run]!;
      this.#sentIn.fill(record, first, end);
      this.#sentOver.fill(channel, first, end);
    }
  }
}
