/** Rates are judged over at least this long; shorter rounds are put together. */
const PERIOD_MS = 100;

/** A guest that writes all of its memory again and again makes no more pages dirty than it has: close to all counts. */
const BEHIND_PERCENTAGE = 95;

/** Watches whether a guest writes slower than it is sent. Times are milliseconds. */
export class Convergence {
  #since: number;
  #dirtied = 0;
  #sentBefore: number;
  #behind = 0;
  /** Bytes a second that the guest wrote in the last period. */
  dirtyRate = 0;
  /** The last period's dirty bytes as a percentage of the bytes that were sent in it. */
  dirtyPercentage = 0;

  /** @param sent bytes that were sent before */
  constructor(now: number, sent: number) {
    this.#since = now;
    this.#sentBefore = sent;
  }

  /** False when the guest was as fast as the migration in two periods on end. */
  get converging(): boolean {
    return this.#behind < 2;
  }

  /** A round ended: `dirtied` bytes are dirty anew, `sent` bytes were sent so far. Returns whether a period ended with it. */
  endRound(now: number, dirtied: number, sent: number): boolean {
    this.#dirtied += dirtied;
    const elapsed = now - this.#since;
    if (elapsed < PERIOD_MS) return false;
    const sentNow = Math.max(1, sent - this.#sentBefore);
    this.dirtyRate = (this.#dirtied / elapsed) * 1000;
    this.dirtyPercentage = (this.#dirtied / sentNow) * 100;
    this.#behind = this.dirtyPercentage >= BEHIND_PERCENTAGE ? this.#behind + 1 : 0;
    this.#since = now;
    this.#dirtied = 0;
    this.#sentBefore = sent;
    return true;
  }
}
