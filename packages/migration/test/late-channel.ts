import type { Clock } from '@godwit/clock';
import type { Channel } from '../src/index.js';

const MOST_LATE_MS = 50;

/** Takes what is written as it is then, and delivers it some time later. */
export class LateChannel implements Channel {
  readonly #inner: Channel;
  readonly #clock: Clock;
  readonly #random: () => number;

  constructor(inner: Channel, clock: Clock, random: () => number) {
    this.#inner = inner;
    this.#clock = clock;
    this.#random = random;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const taken = Buffer.concat(chunks);
    await new Promise<void>((resolve) => this.#clock.setTimer(resolve, this.#random() * MOST_LATE_MS));
    await this.#inner.write([taken]);
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#inner.readExactly(into);
  }

  close(): void {
    this.#inner.close();
  }
}
