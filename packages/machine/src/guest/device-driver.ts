import type { DmaMemory } from '@godwit/vfio';
import { COMMON_REGISTERS, Control, DEVICE_MAGIC, InterruptCause, wrongDmaPages } from '@godwit/vfio/driver';
import { PAGE_SIZE } from '../memory/guest-memory.js';
import type { DeviceAudit, GuestDevice } from './accelerator.js';
import type { DeviceProgram } from './device-program.js';
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

/** What a register reads that nobody answers for. */
const NOBODY = 0xffff_ffff;

/** What became of an access to a device. */
export type Outcome = 'as-expected' | 'wrong-value' | 'unknown-device';

/** What an interrupt was: of a device that has nothing to say it is spurious, as one is that came twice. */
export type InterruptOutcome = 'as-expected' | 'wrong-page' | 'spurious';

export interface DeviceDriverOptions {
  readonly device: GuestDevice;
  readonly vcpu: number;
  /** Pages of RAM that the device may write to; vCPU 0 tells it. */
  readonly dmaBuffer: PageRange;
  readonly memory: Pick<DmaMemory, 'read'>;
}

/** Where a device writes to guest memory, in bytes. */
interface DmaWindow {
  readonly base: number;
  readonly length: number;
}

/** The guest's driver for one device model of @godwit/vfio, as one vCPU runs it. Other devices it leaves alone. */
export class DeviceDriver {
  readonly address: number;
  readonly #options: DeviceDriverOptions;
  #known: boolean | undefined;
  #window: DmaWindow | undefined;

  constructor(options: DeviceDriverOptions) {
    this.#options = options;
    this.address = options.device.address;
  }

  /**
   * Checks that this vCPU's scratch register, and its byte of the configuration space, still hold `expected` (undefined on
   * first use), and puts `value` there. vCPU 0 also rings the doorbell, once the interrupt of the last time has come.
   */
  *exchange(expected: number | undefined, value: number): DeviceProgram<Outcome> {
    this.#known ??= (yield* this.#read(COMMON_REGISTERS.MAGIC)) === DEVICE_MAGIC;
    const { vcpu } = this.#options;
    const scratch = SCRATCH[vcpu];
    if (!this.#known || scratch === undefined) return 'unknown-device';
    if (expected === undefined && vcpu === 0) yield* this.#setUp();
    const found = expected === undefined ? undefined : yield* this.#read(scratch);
    yield* this.#write(scratch, value);
    const configured = yield* this.#exchangeConfig(expected, value);
    if (vcpu === 0) yield* this.#ring();
    return found === expected && configured ? 'as-expected' : 'wrong-value';
  }

  /** Serves the device's interrupt: acknowledges it, and looks at the page that the device has written last. */
  *interrupt(): DeviceProgram<InterruptOutcome> {
    const causes = yield* this.#read(COMMON_REGISTERS.INTERRUPT_STATUS);
    if (causes === 0 || causes === NOBODY) return 'spurious';
    yield* this.#write(COMMON_REGISTERS.INTERRUPT_ACKNOWLEDGE, causes);
    if ((causes & InterruptCause.DOORBELL) === 0) return 'as-expected';
    const { wrong } = yield* this.#checkDma(1);
    return wrong === 0 ? 'as-expected' : 'wrong-page';
  }

  /** Has the device check its memory, and compares what it wrote by DMA. */
  *audit(): DeviceProgram<DeviceAudit> {
    const { address } = this;
    if ((yield* this.#read(COMMON_REGISTERS.MAGIC)) !== DEVICE_MAGIC) {
      return { address, blocks: 0, errors: 0, dmaPages: 0, dmaErrors: 0 };
    }
    yield* this.#write(COMMON_REGISTERS.CONTROL, Control.VERIFY);
    const { pages, wrong } = yield* this.#checkDma();
    return {
      address,
      blocks: yield* this.#read(COMMON_REGISTERS.VERIFIED),
      errors: yield* this.#read(COMMON_REGISTERS.ERRORS),
      dmaPages: pages,
      dmaErrors: wrong,
    };
  }

  /** Compares the last `count` pages, or all there are. The device may write on meanwhile: what it overwrites is not wrong. */
  *#checkDma(count?: number): DeviceProgram<{ pages: number; wrong: number }> {
    this.#window ??= yield* this.#readWindow();
    const window = this.#window;
    const slots = Math.floor(window.length / PAGE_SIZE);
    const written = yield* this.#read(COMMON_REGISTERS.DMA_PAGES);
    if (slots === 0 || written === NOBODY) return { pages: 0, wrong: 0 };
    const wrong = wrongDmaPages(this.#options.memory, window, written, count);
    const later = wrong.length === 0 ? written : yield* this.#read(COMMON_REGISTERS.DMA_PAGES);
    return {
      pages: Math.min(written, slots, count ?? slots),
      wrong: wrong.filter((number) => number > later + 1 - slots).length,
    };
  }

  /** Whether the configuration space is as the guest left it. */
  *#exchangeConfig(expected: number | undefined, value: number): DeviceProgram<boolean> {
    const { vcpu, device } = this.#options;
    const offset = CONFIG_BYTES[vcpu];
    if (device.config === undefined || offset === undefined) return true;
    const byte = new Uint8Array(1);
    if (expected !== undefined) {
      yield { kind: 'read', address: device.config + offset, data: byte };
      if (byte[0] !== (expected & 0xff)) return false;
      yield { kind: 'read', address: device.config + COMMAND, data: byte };
      if (vcpu === 0 && byte[0] !== COMMAND_ENABLE) return false;
    }
    yield { kind: 'write', address: device.config + offset, data: Uint8Array.of(value & 0xff) };
    return true;
  }

  *#setUp(): DeviceProgram<void> {
    const { device, dmaBuffer } = this.#options;
    if (device.config !== undefined) {
      yield { kind: 'write', address: device.config + COMMAND, data: Uint8Array.of(COMMAND_ENABLE) };
    }
    this.#window = yield* this.#readWindow();
    // A device that was given a window on the command line keeps it.
    if (this.#window.length === 0 && dmaBuffer.count > 0) {
      this.#window = { base: dmaBuffer.first * PAGE_SIZE, length: dmaBuffer.count * PAGE_SIZE };
      yield* this.#write(COMMON_REGISTERS.DMA_BASE_LOW, this.#window.base % 2 ** 32);
      yield* this.#write(COMMON_REGISTERS.DMA_BASE_HIGH, Math.floor(this.#window.base / 2 ** 32));
      yield* this.#write(COMMON_REGISTERS.DMA_LENGTH, this.#window.length);
    }
    yield* this.#write(COMMON_REGISTERS.INTERRUPT_ENABLE, InterruptCause.DOORBELL);
  }

  *#readWindow(): DeviceProgram<DmaWindow> {
    const low = yield* this.#read(COMMON_REGISTERS.DMA_BASE_LOW);
    const high = yield* this.#read(COMMON_REGISTERS.DMA_BASE_HIGH);
    return { base: low + high * 2 ** 32, length: yield* this.#read(COMMON_REGISTERS.DMA_LENGTH) };
  }

  *#ring(): DeviceProgram<void> {
    const doorbell = yield* this.#read(COMMON_REGISTERS.DOORBELL);
    const causes = yield* this.#read(COMMON_REGISTERS.INTERRUPT_STATUS);
    if (doorbell === 0 && (causes & InterruptCause.DOORBELL) === 0)
      yield* this.#write(COMMON_REGISTERS.DOORBELL, 1);
  }

  *#read({ offset }: { readonly offset: number }): DeviceProgram<number> {
    const data = new Uint8Array(4);
    yield { kind: 'read', address: this.address + offset, data };
    return new DataView(data.buffer).getUint32(0, true);
  }

  *#write({ offset }: { readonly offset: number }, value: number): DeviceProgram<void> {
    const data = new Uint8Array(4);
    new DataView(data.buffer).setUint32(0, value, true);
    yield { kind: 'write', address: this.address + offset, data };
  }
}
