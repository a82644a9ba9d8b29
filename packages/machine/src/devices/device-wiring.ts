import { type DmaMemory, VfioError } from '@godwit/vfio/contract';

/** What a device works for: its DMA goes to that memory, its interrupt to that listener. */
export interface DeviceHost {
  readonly memory: DmaMemory;
  readonly interrupt: () => void;
}

/**
 * What a device has of the world around it, whoever has it now: the machine that it is part of, or the client that it is
 * exported to. While nobody has it, its DMA is refused and its interrupts are lost.
 */
export class DeviceWiring implements DmaMemory {
  #host: DeviceHost | undefined;

  connect(host: DeviceHost | undefined): void {
    this.#host = host;
  }

  interrupt(): void {
    this.#host?.interrupt();
  }

  read(address: number, into: Uint8Array): void {
    this.#memory.read(address, into);
  }

  write(address: number, from: Uint8Array): void {
    this.#memory.write(address, from);
  }

  get #memory(): DmaMemory {
    if (this.#host === undefined) throw new VfioError('EFAULT', 'the device belongs to nobody');
    return this.#host.memory;
  }
}
