import type { QmpDropped } from './types.js';

/**
 * Items as they come, for one reader. While the reader is away up to `capacity` are kept; beyond that the oldest are
 * dropped, and a notice that says how many stands in their place.
 */
export class EventStream<Item> implements AsyncIterableIterator<Item | QmpDropped> {
  readonly #capacity: number;
  readonly #onEnd: () => void;
  readonly #items: Item[] = [];
  #droppedSince = 0;
  #dropped = 0;
  #ended = false;
  #waiting: ((result: IteratorResult<Item | QmpDropped>) => void)[] = [];

  /** @param onEnd called once, when the reader or the source ends the stream */
  constructor(capacity: number, onEnd: () => void) {
    if (!(capacity >= 1)) throw new RangeError('an event stream holds at least one event');
    this.#capacity = capacity;
    this.#onEnd = onEnd;
  }

  /** How many were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: Item): void {
    if (this.#ended) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader({ value: item, done: false });
      return;
    }
    if (this.#items.length === this.#capacity) {
      this.#items.shift();
      this.#droppedSince++;
      this.#dropped++;
    }
    this.#items.push(item);
  }

  /** What was kept can still be read. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const reader of this.#waiting.splice(0)) reader({ value: undefined, done: true });
    this.#onEnd();
  }

  next(): Promise<IteratorResult<Item | QmpDropped>> {
    if (this.#droppedSince > 0) {
      const notice: QmpDropped = { type: 'dropped', count: this.#droppedSince };
      this.#droppedSince = 0;
      return Promise.resolve({ value: notice, done: false });
    }
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ value: item, done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Item | QmpDropped>> {
    this.#items.length = 0;
    this.#droppedSince = 0;
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
