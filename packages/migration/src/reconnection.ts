import type { Interruption } from './interruption.js';
import type { Channel } from './ports.js';

/** How a migration whose connection broke is given another one. */
export class Reconnection<Open extends (...args: never[]) => Promise<Channel>> {
  #given: Open | undefined;
  #wake: () => void = () => {};

  /** Resolves when there is one; rejects when interrupted. */
  async wait(interruption: Interruption): Promise<Open> {
    while (this.#given === undefined) {
      await interruption.wait(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      );
    }
    const open = this.#given;
    this.#given = undefined;
    interruption.throwIfInterrupted();
    return open;
  }

  give(open: Open): void {
    this.#given = open;
    this.#wake();
  }
}
