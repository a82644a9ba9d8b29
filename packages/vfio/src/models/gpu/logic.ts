import type { ModelLogic, ModelParts } from '../../model/definition.js';
import { guestMemoryRegion } from '../../model/guest-memory-region.js';
import { GpuCommand, type GpuRegister } from './registers.js';

/** One command at a time: the guest fills in the registers and rings FENCE; COMPLETED follows. */
export class GpuLogic implements ModelLogic {
  readonly regions;
  readonly #parts: ModelParts<GpuRegister>;

  constructor(parts: ModelParts<GpuRegister>) {
    this.#parts = parts;
    this.regions = [guestMemoryRegion('bar2', parts.memory)];
  }

  work(): boolean {
    const { registers } = this.#parts;
    const fence = registers.get('FENCE');
    if (fence === registers.get('COMPLETED')) return false;
    if (!this.#execute()) registers.add('COMMAND_ERRORS', 1);
    registers.set('COMPLETED', fence);
    return true;
  }

  #execute(): boolean {
    const { registers, memory, dma, regenerate } = this.#parts;
    const address = registers.getWide('GUEST_LOW');
    const offset = registers.get('APERTURE_OFFSET');
    const length = registers.get('LENGTH');
    const command = registers.get('COMMAND');
    if (command === GpuCommand.RECONFIGURE) {
      regenerate();
      return true;
    }
    if (offset + length > memory.guestSize) return false;
    const bytes = new Uint8Array(length);
    switch (command) {
      case GpuCommand.UPLOAD:
        if (!dma.read(address, bytes)) return false;
        memory.writeGuest(offset, bytes);
        return true;
      case GpuCommand.DOWNLOAD:
        memory.readGuest(offset, bytes);
        return dma.write(address, bytes);
      case GpuCommand.FILL:
        memory.writeGuest(offset, bytes.fill(registers.get('PATTERN') & 0xff));
        return true;
      default:
        return false;
    }
  }
}
