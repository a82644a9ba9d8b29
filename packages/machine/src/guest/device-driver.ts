import type { DmaMemory } from '@godwit/vfio';
import { COMMON_REGISTERS, Control, checkDmaWindow, DEVICE_MAGIC } from '@godwit/vfio/driver';
import { PAGE_SIZE } from '../memory/guest-memory.js';
import type { DeviceAudit, GuestDevice } from './accelerator.js';
import { type GuestBus, readRegister, writeRegister } from './guest-bus.js';
import type { PageRange } from './layout.js';

const SCRATCH = [
  COMMON_REGISTERS.SCRATCH0,
  COMMON_REGISTERS.SCRATCH1,
  COMMON_REGISTERS.SCRATCH2,
  COMMON_REGISTERS.SCRATCH3,
];

/** PCI registers that are the guest's to write, one for each of the first vCPUs: Interrupt Line, Cache Line Size, Latency Timer. */
const CONFIG_BYTES = [0x3c, 0x0c, 0x0d];
const COMMAND = 0x04;
/** Memory space and bus master. */
const COMMAND_ENABLE = 0x06;

/** What became of an access to a device. */
export type Outcome = 'as-expected' | 'wrong-value' | 'unknown-device';

/** The guest's driver for one device model of @godwit/vfio, as one vCPU runs it. Other devices it leaves alone. */
export class DeviceDriver {
  readonly address: number;
  readonly #bus: GuestBus;
  readonly #vcpu: number;
  readonly #dmaBuffer: PageRange;
  readonly #config: number | undefined;
  #known: boolean | undefined;

  /** @param dmaBuffer pages of RAM that the device may write to; vCPU 0 tells it */
  constructor(bus: GuestBus, { address, config }: GuestDevice, vcpu: number, dmaBuffer: PageRange) {
    this.#bus = bus;
    this.address = address;
    this.#config = config;
    this.#vcpu = vcpu;
    this.#dmaBuffer = dmaBuffer;
  }

  /**
   * Checks that this vCPU's scratch register, and its byte of the configuration space, still hold `expected` (undefined on
   * first use), and puts `value` there.
   */
  exchange(expected: number | undefined, value: number): Outcome {
    this.#known ??= this.#read(COMMON_REGISTERS.MAGIC) === DEVICE_MAGIC;
    const scratch = SCRATCH[this.#vcpu];
    if (!this.#known || scratch === undefined) return 'unknown-device';
    if (expected === undefined && this.#vcpu === 0) this.#enable();
    const found = expected === undefined ? undefined : this.#read(scratch);
    this.#write(scratch, value);
    const configured = this.#exchangeConfig(expected, value);
    return found === expected && configured ? 'as-expected' : 'wrong-value';
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

  #enable(): void {
    if (this.#config !== undefined)
      this.#bus.write('mmio', this.#config + COMMAND, Uint8Array.of(COMMAND_ENABLE));
    this.#lendDmaBuffer();
  }

  /** Whether the configuration space is as the guest left it. */
  #exchangeConfig(expected: number | undefined, value: number): boolean {
    const offset = CONFIG_BYTES[this.#vcpu];
    if (this.#config === undefined || offset === undefined) return true;
    const byte = new Uint8Array(1);
    if (expected !== undefined) {
      this.#bus.read('mmio', this.#config + offset, byte);
      if (byte[0] !== (expected & 0xff)) return false;
      this.#bus.read('mmio', this.#config + COMMAND, byte);
      if (this.#vcpu === 0 && byte[0] !== COMMAND_ENABLE) return false;
    }
    this.#bus.write('mmio', this.#config + offset, Uint8Array.of(value & 0xff));
    return true;
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
