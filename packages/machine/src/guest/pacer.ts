/** The longest time of which missed work is caught up, in milliseconds; what is older is dropped. */
const MAX_CATCH_UP_MS = 100;

/** Turns a rate into how many units are due now. */
export class Pacer {
  #last: number;
  #owed = 0;

  /** @param now milliseconds, as later calls give them */
  constructor(now: number) {
    this.#last = now;
  }

  /** Whole units due at `now` at `rate` units per second; the fraction is kept for later. */
  due(now: number, rate: number): number {
    const elapsed = Math.min(now - this.#last, MAX_CATCH_UP_MS);
    this.#last = now;
    this.#owed = Math.min(this.#owed + (elapsed * rate) / 1000, Math.max(1, (MAX_CATCH_UP_MS * rate) / 1000));
    const units = Math.floor(this.#owed);
    this.#owed -= units;
    return units;
  }

  /** Units that were due and are not used yet. */
  giveBack(units: number): void {
    this.#owed += units;
  }

  /** Forgets what is owed; time counts from `now`. */
  restart(now: number): void {
    this.#last = now;
    this.#owed = 0;
  }
}
