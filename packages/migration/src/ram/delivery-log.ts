import type { PageRuns } from './dirty-bitmap.js';

/**
 * In which record each page was last sent, so that after a break only what did not arrive is sent again. Records are
 * numbered from 1 in the order in which they are written, which is the order in which they arrive.
 */
export class DeliveryLog {
  /** 0 for a page that was never sent. */
  readonly #sentIn: Uint32Array;
  #records = 0;

  constructor(pages: number) {
    this.#sentIn = new Uint32Array(pages);
  }

  /** These pages go into the next record. */
  add(runs: PageRuns): void {
    this.#records++;
    for (let run = 0; run < runs.length; run++) {
      const first = runs.first[run]!;
      this.#sentIn.fill(this.#records, first, first + runs.count[run]!);
    }
  }

  /** Of all records only the first `arrived` have arrived: marks the pages of the others. The next record follows those. */
  markLost(arrived: number, into: Uint32Array): void {
    const sentIn = this.#sentIn;
    for (let page = 0; page < sentIn.length; page++) {
      if (sentIn[page]! <= arrived) continue;
      into[page >>> 5]! |= 1 << (page & 31);
      sentIn[page] = 0;
    }
    this.#records = arrived;
  }

  get records(): number {
    return this.#records;
  }
}
