import type { DeviceMemory } from './device-memory.js';
import type { Registers } from './registers.js';

/** What a stream carries beside the blocks of memory: the seed of the contents, every register, the generation of every block. */
export class RegisterImage {
  readonly #registers: Registers;
  readonly #memory: DeviceMemory;

  constructor(registers: Registers, memory: DeviceMemory) {
    this.#registers = registers;
    this.#memory = memory;
  }

  /** Bytes. */
  get size(): number {
    return this.#generationsAt + this.#memory.blocks * 4;
  }

  save(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#memory.seed, true);
    this.#registers.save(view, 4);
    const { generations } = this.#memory;
    for (let block = 0; block < generations.length; block++) {
      view.setUint32(this.#generationsAt + block * 4, generations[block]!, true);
    }
    return bytes;
  }

  /** Takes over an image of {@link size} bytes. The blocks are loaded apart. */
  load(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#memory.seed = view.getUint32(0, true);
    this.#registers.load(view, 4);
    const { generations } = this.#memory;
    for (let block = 0; block < generations.length; block++) {
      generations[block] = view.getUint32(this.#generationsAt + block * 4, true);
    }
  }

  get #generationsAt(): number {
    return 4 + this.#registers.savedSize;
  }
}
