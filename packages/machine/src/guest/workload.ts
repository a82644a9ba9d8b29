import type { RamSegment } from '@godwit/migration';
import type { DirtyBitmap } from '../memory/dirty-bitmap.js';
import { DmaView } from '../memory/dma-view.js';
import { PAGE_SIZE } from '../memory/guest-memory.js';
import { SERIAL_PORT } from '../serial/registers.js';
import type { Audit, GuestDevice } from './accelerator.js';
import { DeviceDriver } from './device-driver.js';
import type { DeviceProgram } from './device-program.js';
import type { GuestPorts } from './guest-ports.js';
import { dmaBuffer, type GuestLayout, type PageRange, slice, visitOrder } from './layout.js';
import { type Finding, inspectPage, writePage } from './page-content.js';
import { DEVICE_SLOTS, type Registers } from './registers.js';

/** Every so many steps a vCPU turns to one of the devices. */
const STEPS_PER_DEVICE_ACCESS = 1024;

export interface WorkloadOptions {
  readonly index: number;
  readonly vcpus: number;
  readonly layout: GuestLayout;
  /** Fill the static pages at power-on. */
  readonly fill: boolean;
  readonly segments: readonly RamSegment[];
  readonly dirty: DirtyBitmap;
  readonly registers: Registers;
  readonly ports: GuestPorts;
}

/**
 * The program of one vCPU. Step s writes page order(s mod n) of its n pages in generation s div n + 1, after it has
 * checked that the page holds the generation before. So its registers tell what every page must contain, at any moment
 * and on any machine.
 */
export class Workload {
  readonly #index: number;
  readonly #working: PageRange;
  readonly #static: PageRange;
  readonly #order: (visit: number) => number;
  readonly #segments: readonly { readonly firstPage: number; readonly ram: Buffer }[];
  readonly #segmentPages: number;
  readonly #dirty: DirtyBitmap;
  readonly #registers: Registers;
  readonly #ports: GuestPorts;
  readonly #dma: PageRange;
  readonly #memory: DmaView;
  #drivers: readonly DeviceDriver[] = [];

  constructor(options: WorkloadOptions) {
    this.#index = options.index;
    this.#working = slice(options.layout.workingSet, options.index, options.vcpus);
    const statics = slice(options.layout.staticPages, options.index, options.vcpus);
    this.#static = options.fill ? statics : { first: statics.first, count: 0 };
    this.#dma = options.layout.dma;
    this.#order = visitOrder(this.#working);
    this.#segments = options.segments.map(({ address, bytes }) => ({
      firstPage: address / PAGE_SIZE,
      ram: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length),
    }));
    this.#segmentPages = options.segments[0]!.bytes.length / PAGE_SIZE;
    this.#dirty = options.dirty;
    this.#registers = options.registers;
    this.#ports = options.ports;
    this.#memory = new DmaView({
      size: options.segments.reduce((size, { bytes }) => size + bytes.length, 0),
      segments: options.segments,
      // A guest that runs has said so already.
      markUsed: () => {},
    });
  }

  /** Whether the static pages are filled, so that steps can begin. */
  get ready(): boolean {
    return this.#registers.get('filled') >= this.#static.count;
  }

  setDevices(devices: readonly GuestDevice[]): void {
    // What was written to a device that is gone says nothing about the one in its place.
    this.#drivers.forEach((driver, slot) => {
      if (devices[slot]?.address !== driver.address) this.#registers.setDeviceMark(slot, 0);
    });
    this.#drivers = devices.slice(0, DEVICE_SLOTS).map(
      (device, slot) =>
        new DeviceDriver({
          device,
          vcpu: this.#index,
          dmaBuffer: dmaBuffer(this.#dma, slot),
          memory: this.#memory,
        }),
    );
  }

  /** Serves the interrupt of the device at `address`; a program to be run to its end. */
  *interrupt(address: number): DeviceProgram<void> {
    const driver = this.#drivers.find((each) => each.address === address);
    const outcome = driver === undefined ? 'spurious' : yield* driver.interrupt();
    if (outcome === 'spurious') return;
    this.#registers.add('deviceInterrupts', 1);
    if (outcome === 'wrong-page') this.#registers.add('deviceFaults', 1);
  }

  /** Fills one static page; only while not {@link ready}. */
  fillStep(): void {
    this.#write(this.#static.first + this.#registers.get('filled'), 1);
    this.#registers.add('filled', 1);
  }

  /**
   * Checks and writes one page of the working set, and now and then tells the serial port. What it returns is the rest of
   * the step, which uses a device: to be run to its end before the next step.
   */
  step(): DeviceProgram<void> | undefined {
    const count = this.#working.count;
    if (count === 0) return undefined;
    const step = this.#registers.get('steps');
    const page = this.#order(step % count);
    const generation = Math.floor(step / count);
    if (this.#isKnown(generation)) {
      const finding = this.#inspect(page, generation);
      this.#registers.add('checked', 1);
      if (finding !== 'intact') this.#registers.add(finding, 1);
    }
    this.#write(page, generation + 1);
    this.#registers.add('steps', 1);
    if ((step + 1) % count === 0) this.#say(generation + 1);
    const usesDevice = step % STEPS_PER_DEVICE_ACCESS === 0 && this.#drivers.length > 0;
    return usesDevice ? this.#useDevice(step / STEPS_PER_DEVICE_ACCESS) : undefined;
  }

  /** Compares all pages of this vCPU whose contents it knows with what they must be. */
  audit(): Audit {
    const found: Record<Finding, number> = { intact: 0, lost: 0, torn: 0, repeated: 0 };
    const check = (page: number, expected: number): void => {
      if (this.#isKnown(expected)) found[this.#inspect(page, expected)]++;
    };
    const steps = this.#registers.get('steps');
    const generation = Math.floor(steps / this.#working.count);
    for (let visit = 0; visit < this.#working.count; visit++) {
      const visited = visit < steps % this.#working.count;
      check(this.#order(visit), visited ? generation + 1 : generation);
    }
    const filled = this.#registers.get('filled');
    for (let index = 0; index < this.#static.count; index++) {
      check(this.#static.first + index, index < filled ? 1 : 0);
    }
    const { intact, lost, torn, repeated } = found;
    return { pages: intact + lost + torn + repeated, lost, torn, repeated };
  }

  /** What RAM holds before the first write is known at power-on, when it is zero, and not after a reset. */
  #isKnown(generation: number): boolean {
    return generation > 0 || this.#registers.get('resets') === 0;
  }

  #inspect(page: number, generation: number): Finding {
    const segment = this.#segments[Math.floor(page / this.#segmentPages)]!;
    return inspectPage(segment.ram, (page - segment.firstPage) * PAGE_SIZE, page, generation);
  }

  #write(page: number, generation: number): void {
    const segment = this.#segments[Math.floor(page / this.#segmentPages)]!;
    writePage(segment.ram, (page - segment.firstPage) * PAGE_SIZE, page, generation);
    this.#dirty.mark(page);
  }

  *#useDevice(turn: number): DeviceProgram<void> {
    const slot = turn % this.#drivers.length;
    const driver = this.#drivers[slot]!;
    const mark = this.#registers.deviceMark(slot);
    const value = Math.imul(turn + 1, 0x9e3779b1) >>> 0;
    const outcome = yield* driver.exchange(mark === 0 ? undefined : mark - 1, value);
    // It may have gone in the middle of it.
    if (outcome === 'unknown-device' || this.#drivers[slot]?.address !== driver.address) return;
    this.#registers.add('deviceAccesses', 1);
    if (outcome === 'wrong-value') this.#registers.add('deviceFaults', 1);
    this.#registers.setDeviceMark(slot, value + 1);
  }

  #say(pass: number): void {
    const faults =
      this.#registers.get('lost') + this.#registers.get('torn') + this.#registers.get('repeated');
    const line = `vcpu ${this.#index}: pass ${pass}, ${this.#working.count} pages, ${faults === 0 ? 'no' : faults} faults\r\n`;
    this.#ports.write(SERIAL_PORT, new TextEncoder().encode(line));
  }
}
