import type { Clock } from '@godwit/clock';

const WINDOW_MS = 100;

/** Measures how fast a migration sends, over windows of 100 ms. */
export class BandwidthMeter {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #windowAt: number;
  #windowBytes = 0;
  #total = 0;
  #last: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#windowAt = this.#startedAt;
  }

  add(bytes: number): void {
    this.#total += bytes;
    this.#windowBytes += bytes;
    const elapsed = this.#clock.now() - this.#windowAt;
    if (elapsed < WINDOW_MS) return;
    this.#last = (this.#windowBytes / elapsed) * 1000;
    this.#windowAt += elapsed;
    this.#windowBytes = 0;
  }

  /** Bytes per second in the last full window; until there is one, since the start. Infinity while no time has passed. */
  get bytesPerSecond(): number {
    if (this.#last !== undefined) return this.#last;
    const elapsed = this.#clock.now() - this.#startedAt;
    return elapsed > 0 ? (this.#total / elapsed) * 1000 : Number.POSITIVE_INFINITY;
  }
}

/** How far sending may run ahead of the limit, so that short sleeps are not needed for every write. */
const BURST_MS = 50;

/** Keeps a migration within max-bandwidth. */
export class RateLimiter {
  readonly #clock: Clock;
  #limit: number;
  /** When everything sent so far would have been sent at exactly the limit. */
  #paidUntil = 0;

  /** @param bytesPerSecond 0 for no limit */
  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#limit = bytesPerSecond;
  }

  set limit(bytesPerSecond: number) {
    this.#limit = bytesPerSecond;
    this.#paidUntil = 0;
  }

  /** How many bytes may go out at a time under this limit. */
  get slice(): number {
    return this.#limit === 0 ? Number.POSITIVE_INFINITY : (this.#limit * BURST_MS) / 1000;
  }

  /** Counts what was sent; returns for how many milliseconds nothing more should be. */
  delayAfter(bytes: number): number {
    if (this.#limit === 0) return 0;
    const now = this.#clock.now();
    this.#paidUntil = Math.max(this.#paidUntil, now) + (bytes / this.#limit) * 1000;
    const ahead = this.#paidUntil - now;
    return ahead > BURST_MS ? ahead - BURST_MS / 2 : 0;
  }
}
