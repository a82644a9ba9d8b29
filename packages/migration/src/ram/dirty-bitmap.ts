/** Runs of consecutive pages: first page and count of each, of which the first `length` are valid. */
export class PageRuns {
  readonly first: Uint32Array;
  readonly count: Uint32Array;
  length = 0;
  /** Pages in all runs together. */
  pages = 0;

  constructor(capacity: number) {
    this.first = new Uint32Array(capacity);
    this.count = new Uint32Array(capacity);
  }

  get full(): boolean {
    return this.length === this.first.length;
  }

  clear(): void {
    this.length = 0;
    this.pages = 0;
  }

  /** Appends a run, joined with the last one where they touch. */
  push(first: number, count: number): void {
    const last = this.length - 1;
    this.pages += count;
    if (last >= 0 && this.first[last]! + this.count[last]! === first) {
      this.count[last]! += count;
      return;
    }
    this.first[this.length] = first;
    this.count[this.length] = count;
    this.length++;
  }
}

/** The runs as pairs of first page, counted from `start`, and number of pages. */
export function placedRuns(runs: PageRuns, start: number): Uint32Array {
  const pairs = new Uint32Array(runs.length * 2);
  for (let run = 0; run < runs.length; run++) {
    pairs[2 * run] = runs.first[run]! - start;
    pairs[2 * run + 1] = runs.count[run]!;
  }
  return pairs;
}

const ALL = 0xffffffff;

/** The pages that are still to be sent, one bit each, bit 0 of word 0 first. Scanned by 32-bit words. */
export class DirtyBitmap {
  readonly pages: number;
  readonly words: Uint32Array;

  constructor(pages: number) {
    this.pages = pages;
    this.words = new Uint32Array(Math.ceil(pages / 32));
  }

  setAll(): void {
    this.words.fill(ALL);
    const rest = this.pages % 32;
    if (rest !== 0) this.words[this.words.length - 1] = 2 ** rest - 1;
  }

  clear(): void {
    this.words.fill(0);
  }

  /** How many pages are set. */
  count(): number {
    const { words } = this;
    let count = 0;
    for (let index = 0; index < words.length; index++) {
      let word = words[index]!;
      if (word === 0) continue;
      if (word === ALL) {
        count += 32;
        continue;
      }
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return count;
  }

  /**
   * Moves set pages of `[from, end)` into `runs`, in order, until `limit` pages are in it or it is full. Returns the page
   * at which to go on, `end` when none is left.
   */
  take(from: number, end: number, limit: number, runs: PageRuns): number {
    let page = from;
    while (runs.pages < limit && !runs.full) {
      const first = this.#nextSet(page, end);
      if (first === end) return end;
      const after = this.#nextClear(first, Math.min(end, first + limit - runs.pages));
      this.#clearRange(first, after);
      runs.push(first, after - first);
      page = after;
    }
    return page;
  }

  #nextSet(from: number, end: number): number {
    if (from >= end) return end;
    const { words } = this;
    let index = from >>> 5;
    let word = words[index]! & (ALL << (from & 31));
    const lastIndex = (end - 1) >>> 5;
    while (word === 0) {
      if (++index > lastIndex) return end;
      word = words[index]!;
    }
    return Math.min(end, index * 32 + lowestBit(word));
  }

  #nextClear(from: number, end: number): number {
    const { words } = this;
    let index = from >>> 5;
    let word = ~words[index]! & (ALL << (from & 31));
    const lastIndex = (end - 1) >>> 5;
    while (word === 0) {
      if (++index > lastIndex) return end;
      word = ~words[index]!;
    }
    return Math.min(end, index * 32 + lowestBit(word));
  }

  #clearRange(from: number, end: number): void {
    const { words } = this;
    const firstIndex = from >>> 5;
    const lastIndex = (end - 1) >>> 5;
    const head = ALL << (from & 31);
    const tail = ALL >>> (31 - ((end - 1) & 31));
    if (firstIndex === lastIndex) {
      words[firstIndex]! &= ~(head & tail);
      return;
    }
    words[firstIndex]! &= ~head;
    words.fill(0, firstIndex + 1, lastIndex);
    words[lastIndex]! &= ~tail;
  }
}

function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
