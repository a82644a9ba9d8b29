import type { Clock, Timer } from './clock.js';

interface PendingTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to advance; two machines of one test can share it. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #epochMicroseconds: number;
  readonly #pending = new Set<PendingTimer>();

  /** @param epochMicroseconds wall-clock time at the start, in microseconds since 1970 */
  constructor(epochMicroseconds = 0) {
    this.#epochMicroseconds = epochMicroseconds;
  }

  now(): number {
    return this.#now;
  }

  wallMicroseconds(): number {
    return this.#epochMicroseconds + Math.round(this.#now * 1000);
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(timer);
    return { cancel: () => this.#pending.delete(timer) };
  }

  /** How many timers wait; a test that ends with some has leaked them. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /**
   * Moves time forward by `ms`, running every timer that falls due in order of its time, then of its creation.
   * Between two timers it lets promises and immediates settle, so that what a timer started has its effect first.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#earliest(); next !== undefined && next.at <= end; next = this.#earliest()) {
      this.#pending.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = end;
  }

  /** Advances in steps until `condition` holds; rejects when it does not within `limitMs` of virtual time. */
  async advanceUntil(condition: () => boolean, limitMs = 60_000, stepMs = 1): Promise<void> {
    const end = this.#now + limitMs;
    await settle();
    while (!condition()) {
      if (this.#now >= end) throw new Error(`condition does not hold after ${limitMs} ms of virtual time`);
      await this.advance(stepMs);
    }
  }

  #earliest(): PendingTimer | undefined {
    let earliest: PendingTimer | undefined;
    for (const timer of this.#pending) {
      if (
        earliest === undefined ||
        timer.at < earliest.at ||
        (timer.at === earliest.at && timer.order < earliest.order)
      ) {
        earliest = timer;
      }
    }
    return earliest;
  }
}

/** A few turns of the event loop: enough for chains of promises and immediates, without any waiting. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
