import type { Clock, Timer } from '@godwit/clock';
import { TimeoutError } from './errors.js';

/**
 * Ends every wait of a migration at once when it is cancelled or its stream breaks. The first reason counts.
 *
 * Not an AbortSignal with Promise.race: a race leaves a reaction behind on the promise that never settles, once for each
 * of the many thousand writes of a migration.
 */
export class Interruption {
  readonly #waiting = new Set<(reason: Error) => void>();
  #reason: Error | undefined;

  get reason(): Error | undefined {
    return this.#reason;
  }

  interrupt(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  throwIfInterrupted(): void {
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Settles as `promise` does, or rejects at once when interrupted. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#reason !== undefined) reject(this.#reason);
      else this.#waiting.add(reject);
      promise.then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  /** As {@link wait}, but rejects with {@link TimeoutError} after `limitMs`; 0 means no limit. */
  async waitAtMost<T>(promise: Promise<T>, clock: Clock, limitMs: number, what: string): Promise<T> {
    if (limitMs === 0) return this.wait(promise);
    let expire: (error: Error) => void = () => {};
    const expired = new Promise<never>((_, reject) => {
      expire = reject;
    });
    const timer = clock.setTimer(() => expire(new TimeoutError(`${what} (waited ${limitMs} ms)`)), limitMs);
    try {
      return await this.wait(Promise.race([promise, expired]));
    } finally {
      timer.cancel();
    }
  }

  /** Settles as `promise` does; once interrupted, only `graceMs` are left for that (0: all the time), then it rejects. */
  async waitPatiently<T>(promise: Promise<T>, clock: Clock, graceMs: number): Promise<T> {
    const grace = new Interruption();
    const begin = (reason: Error) => {
      if (graceMs > 0) timer = clock.setTimer(() => grace.interrupt(reason), graceMs);
    };
    let timer: Timer | undefined;
    if (this.#reason === undefined) this.#waiting.add(begin);
    else begin(this.#reason);
    try {
      return await grace.wait(promise);
    } finally {
      this.#waiting.delete(begin);
      timer?.cancel();
    }
  }

  /** Resolves after `ms`, or rejects at once when interrupted. */
  async sleep(clock: Clock, ms: number): Promise<void> {
    let done: () => void = () => {};
    const elapsed = new Promise<void>((resolve) => {
      done = resolve;
    });
    const timer = clock.setTimer(done, ms);
    try {
      await this.wait(elapsed);
    } finally {
      timer.cancel();
    }
  }
}
