import type { DirtyLog } from '@godwit/migration';

/**
 * Which pages the vCPUs wrote: one bit a page in memory that all threads share.
 *
 * A writer marks a page after it has written it, always, whether anybody collects or not: a check for an active
 * collector would need a fence of its own between the write and the check. The collector forgets a mark before it reads
 * the page. So a page is reported in this round or the next, never in none.
 *
 * Writes by devices (DMA) are not marked here. Devices log their own (see DmaLogging of @godwit/vfio), as hardware does,
 * and both logs start before the first page is read; a device's write before that needs no mark.
 */
export class DirtyBitmap implements DirtyLog {
  /** Posted to the vCPU threads. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** @param source the number of pages, or the buffer of the bitmap of another thread */
  constructor(source: number | SharedArrayBuffer) {
    this.buffer = typeof source === 'number' ? new SharedArrayBuffer(Math.ceil(source / 32) * 4) : source;
    this.#words = new Int32Array(this.buffer);
  }

  /** Says that the contents of `page` changed; call it after the last store. */
  mark(page: number): void {
    Atomics.or(this.#words, page >>> 5, 1 << (page & 31));
  }

  /** Forgets everything; what is written from now on is in the next report. */
  start(): void {
    for (let index = 0; index < this.#words.length; index++) Atomics.exchange(this.#words, index, 0);
  }

  stop(): void {}

  collect(into: Uint32Array): void {
    const words = this.#words;
    if (into.length < words.length) {
      throw new RangeError(`a dirty bitmap of ${words.length} words does not fit into ${into.length}`);
    }
    for (let index = 0; index < words.length; index++) {
      // A plain load first: most words are zero, and an exchange costs a locked bus cycle.
      if (words[index] !== 0) into[index]! |= Atomics.exchange(words, index, 0);
    }
  }
}
