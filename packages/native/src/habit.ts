/** After how many times it is tried again whether a peer has a habit that it had not. */
const PROBE_EVERY = 32;

/** A habit that a peer has or has not; it is tried now and then. */
export class Habit {
  #has = false;
  #sinceTried = 0;

  /** Whether to count on it this time. */
  expected(): boolean {
    if (!this.#has && ++this.#sinceTried < PROBE_EVERY) return false;
    this.#sinceTried = 0;
    return true;
  }

  /** What the trial showed. */
  learn(has: boolean): void {
    this.#has = has;
  }
}
