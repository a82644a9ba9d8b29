import type { MigrationParameters } from '../parameters.js';
import type { DirtyLog } from '../ports.js';

/** Auto-converge: slows the vCPUs down, more and more, while the guest writes faster than it is sent. */
export class Throttle {
  readonly #dirtyLog: DirtyLog;
  readonly #enabled: boolean;
  parameters: MigrationParameters;
  #percentage = 0;

  constructor(dirtyLog: DirtyLog, parameters: MigrationParameters, enabled: boolean) {
    this.#dirtyLog = dirtyLog;
    this.parameters = parameters;
    this.#enabled = enabled;
  }

  /** Percentage of the time in which the vCPUs do not run. */
  get percentage(): number {
    return this.#percentage;
  }

  /** @param dirtyPercentage bytes that the guest wrote, as a percentage of those that were sent meanwhile */
  endPeriod(dirtyPercentage: number): void {
    if (!this.#enabled || dirtyPercentage < this.parameters['throttle-trigger-threshold']) return;
    const next =
      this.#percentage === 0
        ? this.parameters['cpu-throttle-initial']
        : this.#percentage + this.#increment(dirtyPercentage);
    this.#set(Math.min(next, this.parameters['max-cpu-throttle']));
  }

  /** With cpu-throttle-tailslow no more than would bring the guest down to the threshold. */
  #increment(dirtyPercentage: number): number {
    const { 'cpu-throttle-increment': increment, 'cpu-throttle-tailslow': slow } = this.parameters;
    if (!slow) return increment;
    const running = 100 - this.#percentage;
    const enough = running * (1 - this.parameters['throttle-trigger-threshold'] / dirtyPercentage);
    return Math.min(increment, enough);
  }

  release(): void {
    this.#set(0);
  }

  #set(percentage: number): void {
    if (this.#percentage === percentage || this.#dirtyLog.throttle === undefined) return;
    this.#percentage = percentage;
    this.#dirtyLog.throttle(percentage);
  }
}
