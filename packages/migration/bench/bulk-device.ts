import { randomFillSync } from 'node:crypto';
import { DeviceState, type DmaLogging, type MigratableDevice, type ReadResult } from '@godwit/vfio';

const MEMORY_BYTES = 16 << 20;

/** A device that is nothing but state: it gives its memory again and again, as fast as it can be copied. */
export class BulkDevice implements MigratableDevice {
  readonly flags = { p2p: true, preCopy: false };
  readonly dmaLogging: DmaLogging = {
    active: false,
    start: async () => {},
    stop: async () => {},
    report: async () => {},
  };
  readonly #memory = randomFillSync(Buffer.alloc(MEMORY_BYTES));
  readonly #bytes: number;
  #position = 0;
  state: DeviceState = DeviceState.RUNNING;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  async setState(wanted: DeviceState): Promise<void> {
    this.state = wanted;
    this.#position = 0;
  }

  async readData(into: Uint8Array): Promise<ReadResult> {
    const from = this.#position % MEMORY_BYTES;
    const length = Math.min(into.length, this.#bytes - this.#position, MEMORY_BYTES - from);
    if (length === 0) return { kind: 'end' };
    into.set(this.#memory.subarray(from, from + length));
    this.#position += length;
    return { kind: 'data', length };
  }

  async writeData(from: Uint8Array): Promise<void> {
    const to = this.#position % MEMORY_BYTES;
    this.#memory.set(from.subarray(0, MEMORY_BYTES - to), to);
    this.#position += from.length;
  }

  async precopyInfo(): Promise<never> {
    throw new Error('no pre-copy');
  }

  async dataSize(): Promise<number> {
    return this.#bytes;
  }

  async reset(): Promise<void> {
    this.state = DeviceState.RUNNING;
  }

  close(): void {}
}
