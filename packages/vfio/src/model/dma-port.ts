import type { DmaMemory } from '../device.js';
import type { DmaLogger } from '../dma-logger.js';
import { VfioError } from '../error.js';

/** The only way of a model to guest memory: shut while the device may not initiate DMA, and every write is logged. */
export class DmaPort {
  #open = false;
  readonly #memory: DmaMemory | undefined;
  readonly #logger: DmaLogger;
  readonly #onFault: () => void;

  constructor(memory: DmaMemory | undefined, logger: DmaLogger, onFault: () => void) {
    this.#memory = memory;
    this.#logger = logger;
    this.#onFault = onFault;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  setOpen(open: boolean): void {
    this.#open = open;
  }

  /** False where the memory refused; the fault is counted. */
  read(address: number, into: Uint8Array): boolean {
    return this.#attempt(() => this.#guest().read(address, into));
  }

  /** False where the memory refused; the fault is counted. */
  write(address: number, from: Uint8Array): boolean {
    return this.#attempt(() => {
      this.#guest().write(address, from);
      this.#logger.mark(address, from.length);
    });
  }

  #attempt(access: () => void): boolean {
    if (!this.#open) throw new VfioError('EBUSY', 'the device may not initiate DMA in its state');
    try {
      access();
      return true;
    } catch (error) {
      if (!(error instanceof VfioError)) throw error;
      this.#onFault();
      return false;
    }
  }

  #guest(): DmaMemory {
    if (this.#memory === undefined) throw new VfioError('EFAULT', 'the device has no guest memory');
    return this.#memory;
  }
}
