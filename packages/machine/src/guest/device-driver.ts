import type { DmaMemory } from '@godwit/vfio';
import { COMMON_REGISTERS, Control, checkDmaWindow, DEVICE_MAGIC } from '@godwit/vfio/driver';
import { PAGE_SIZE } from '../memory/guest-memory.js';
import type { DeviceAudit } from './accelerator.js';
import { type GuestBus, readRegister, writeRegister } from './guest-bus.js';
import type { PageRange } from './layout.js';

const SCRATCH = [
  COMMON_REGISTERS.SCRATCH0,
  COMMON_REGISTERS.SCRATCH1,
  COMMON_REGISTERS.SCRATCH2,
  COMMON_REGISTERS.SCRATCH3,
];

/** What became of an access to a device. */
export type Outcome = 'as-expected' | 'wrong-value' | 'unknown-device';

/** The guest's driver for one device model of @godwit/vfio, as one vCPU runs it. Other devices it leaves alone. */
export class DeviceDriver {
  readonly address: number;
  readonly #bus: GuestBus;
  readonly #vcpu: number;
  readonly #dmaBuffer: PageRange;
  #known: boolean | undefined;

  /** @param dmaBuffer pages of RAM that the device may write to; vCPU 0 tells it */
  constructor(bus: GuestBus, address: number, vcpu: number, dmaBuffer: PageRange) {
    this.#bus = bus;
    this.address = address;
    this.#vcpu = vcpu;
    this.#dmaBuffer = dmaBuffer;
  }

  /** Checks that this vCPU's scratch register still holds `expected` (undefined on first use), and puts `value` there. */
  exchange(expected: number | undefined, value: number): Outcome {
    this.#known ??= this.#read(COMMON_REGISTERS.MAGIC) === DEVICE_MAGIC;
    const scratch = SCRATCH[this.#vcpu];
    if (!this.#known || scratch === undefined) return 'unknown-device';
    if (expected === undefined && this.#vcpu === 0) this.#lendDmaBuffer();
    const found = expected === undefined ? undefined : this.#read(scratch);
    this.#write(scratch, value);
    return found === expected ? 'as-expected' : 'wrong-value';
  }

  /** Has the device check its memory, and compares its DMA; the device writes nothing meanwhile, for all of it is one call. */
  audit(memory: DmaMemory): DeviceAudit {
    if (this.#read(COMMON_REGISTERS.MAGIC) !== DEVICE_MAGIC) {
      return { address: this.address, blocks: 0, errors: 0, dmaPages: 0, dmaErrors: 0 };
    }
    this.#write(COMMON_REGISTERS.CONTROL, Control.VERIFY);
    const length = this.#read(COMMON_REGISTERS.DMA_LENGTH);
    const base =
      this.#read(COMMON_REGISTERS.DMA_BASE_LOW) + this.#read(COMMON_REGISTERS.DMA_BASE_HIGH) * 2 ** 32;
    const lastPage = this.#read(COMMON_REGISTERS.DMA_PAGES);
    return {
      address: this.address,
      blocks: this.#read(COMMON_REGISTERS.VERIFIED),
      errors: this.#read(COMMON_REGISTERS.ERRORS),
      dmaPages: Math.min(lastPage, Math.floor(length / PAGE_SIZE)),
      dmaErrors: length === 0 ? 0 : checkDmaWindow(memory, base, length, lastPage),
    };
  }

  #lendDmaBuffer(): void {
    const base = this.#dmaBuffer.first * PAGE_SIZE;
    // A device that was given a window on the command line keeps it.
    if (this.#read(COMMON_REGISTERS.DMA_LENGTH) !== 0 || this.#dmaBuffer.count === 0) return;
    this.#write(COMMON_REGISTERS.DMA_BASE_LOW, base % 2 ** 32);
    this.#write(COMMON_REGISTERS.DMA_BASE_HIGH, Math.floor(base / 2 ** 32));
    this.#write(COMMON_REGISTERS.DMA_LENGTH, this.#dmaBuffer.count * PAGE_SIZE);
  }

  #read(register: { readonly offset: number }): number {
    return readRegister(this.#bus, this.address + register.offset);
  }

  #write(register: { readonly offset: number }, value: number): void {
    writeRegister(this.#bus, this.address + register.offset, value >>> 0);
  }
}
