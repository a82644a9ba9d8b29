import type { Clock } from '@godwit/clock';

const WINDOW_MS = 100;

/** How much there is in a second, over windows of 100 ms. What counts as time is up to whoever adds to it. */
export class RateMeter {
  #amount = 0;
  #elapsed = 0;
  #last: number | undefined;

  add(amount: number, elapsedMs: number): void {
    this.#amount += amount;
    this.#elapsed += elapsedMs;
    if (this.#elapsed < WINDOW_MS) return;
    this.#last = (this.#amount / this.#elapsed) * 1000;
    this.#amount = 0;
    this.#elapsed = 0;
  }

  /** In the last full window; before there is one, so far; undefined when nothing was measured. */
  get perSecond(): number | undefined {
    if (this.#last !== undefined) return this.#last;
    return this.#amount > 0 && this.#elapsed > 0 ? (this.#amount / this.#elapsed) * 1000 : undefined;
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
