import type { ModelLogic, ModelParts } from '../../model/definition.js';
import { type BlockRegister, BlockRequest, BlockStatus, SECTOR_SIZE } from './registers.js';

/** A disk that holds its sectors in device memory. One request at a time: the guest rings TAG, DONE follows. */
export class BlockLogic implements ModelLogic {
  readonly #parts: ModelParts<BlockRegister>;

  constructor(parts: ModelParts<BlockRegister>) {
    this.#parts = parts;
  }

  reset(): void {
    this.#parts.registers.set('CAPACITY', this.#parts.memory.guestSize / SECTOR_SIZE);
  }

  work(): boolean {
    const { registers } = this.#parts;
    const tag = registers.get('TAG');
    if (tag === registers.get('DONE')) return false;
    registers.set('STATUS', this.#execute() ? BlockStatus.OK : BlockStatus.FAILED);
    registers.set('DONE', tag);
    return true;
  }

  #execute(): boolean {
    const { registers, memory, dma } = this.#parts;
    const offset = registers.get('SECTOR') * SECTOR_SIZE;
    const length = registers.get('SECTORS') * SECTOR_SIZE;
    if (length === 0 || offset + length > memory.guestSize) return false;
    const buffer = registers.getWide('BUFFER_LOW');
    const data = new Uint8Array(length);
    switch (registers.get('REQUEST')) {
      case BlockRequest.READ:
        memory.readGuest(offset, data);
        return dma.write(buffer, data);
      case BlockRequest.WRITE:
        if (!dma.read(buffer, data)) return false;
        memory.writeGuest(offset, data);
        return true;
      default:
        return false;
    }
  }
}
