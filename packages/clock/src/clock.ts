/** Time as the packages of this project see it. It is handed in, so that a test can own it. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. Fractions are kept. */
  now(): number;
  /** Microseconds since 1970-01-01 UTC, as event timestamps want them. Safe as a number until the year 2255. */
  wallMicroseconds(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now or later. */
  setTimer(callback: () => void, delayMs: number): Timer;
}

export interface Timer {
  /** Idempotent; does nothing after the callback ran. */
  cancel(): void;
}

/** Resolves `delayMs` milliseconds from now. */
export function delay(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(resolve, delayMs);
  });
}
