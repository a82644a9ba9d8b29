import type { Clock, Timer } from './clock.js';

/** The clock of the host. Its timers keep the process alive. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  wallMicroseconds(): number {
    return Math.round((performance.timeOrigin + performance.now()) * 1000);
  }

  setTimer(callback: () => void, delayMs: number): Timer {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  }
}
