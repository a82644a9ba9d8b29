import type { Clock } from '@godwit/clock';
import type { VfioError } from '../error.js';
import type { DeviceState } from '../states.js';

/** The way to a state, which a reset cuts short. */
export class Transition {
  readonly wanted: DeviceState;
  #cut: VfioError | undefined;
  #interrupt: (() => void) | undefined;

  constructor(wanted: DeviceState) {
    this.wanted = wanted;
  }

  cut(reason: VfioError): void {
    this.#cut = reason;
    this.#interrupt?.();
  }

  /** Throws the reason of {@link cut}. */
  check(): void {
    if (this.#cut !== undefined) throw this.#cut;
  }

  /** Resolves after `latency` milliseconds, or when the transition is cut. */
  async wait(clock: Clock, latency: number): Promise<void> {
    if (latency <= 0 || this.#cut !== undefined) return;
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(resolve, latency);
      this.#interrupt = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
