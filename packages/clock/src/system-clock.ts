import type { Clock, Timer } from './clock.js';

/** Node takes no longer delay than this. */
const MAX_DELAY = 2 ** 31 - 1;

/** The clock of the host. Its timers keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wallMicroseconds(): number {
    return Math.round((performance.timeOrigin + performance.now()) * 1000);
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const due = performance.now() + delayMs;
    // Node counts from the beginning of this turn of its event loop, and so comes early where the turn is a long one.
    const expire = () => {
      const left = due - performance.now();
      if (left <= 0) callback();
      else handle = setTimeout(expire, Math.min(Math.ceil(left), MAX_DELAY));
    };
    let handle = setTimeout(expire, Math.min(delayMs, MAX_DELAY));
    return { cancel: () => clearTimeout(handle) };
  }
}
