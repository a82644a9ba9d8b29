import { StreamError } from '../errors.js';

/** Waits until the function that it hands to `register` is called. */
export type Hold = (register: (go: () => void) => void) => Promise<void>;

/** Brings the blocks of one device, which came over several channels, back into their order. */
export class BlockOrder {
  readonly #hold: Hold;
  readonly #waiting = new Map<number, () => void>();
  #next = 0;

  constructor(hold: Hold) {
    this.#hold = hold;
  }

  /** How many blocks are done. */
  get done(): number {
    return this.#next;
  }

  /** Does `work` when all blocks before `index` are done. Throws {@link StreamError} for a block that was there already. */
  async inTurn(index: number, work: () => Promise<void>): Promise<void> {
    if (index < this.#next || this.#waiting.has(index)) throw new StreamError(`block ${index} came twice`);
    if (index > this.#next) await this.#hold((go) => this.#waiting.set(index, go));
    await work();
    this.#next++;
    const go = this.#waiting.get(this.#next);
    this.#waiting.delete(this.#next);
    go?.();
  }
}
