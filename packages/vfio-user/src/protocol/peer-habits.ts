/** After how many messages it is tried again whether a peer pipelines, or is prompt. */
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

/** How a peer sends its requests. */
export class PeerHabits {
  /** The next request is there before its predecessor was answered. */
  readonly pipelines = new Habit();
  /** The next request comes within a moment of the answer to its predecessor. */
  readonly prompt = new Habit();
}
