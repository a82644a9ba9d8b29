import type { Clock, Timer } from '@godwit/clock';
import type { RamSegment } from '@godwit/migration';
import type { Bus } from '../memory/bus.js';
import type { DirtyBitmap } from '../memory/dirty-bitmap.js';
import type { Audit, GuestDevice } from './accelerator.js';
import { echoSerial } from './echo-serial.js';
import type { GuestBus } from './guest-bus.js';
import type { GuestLayout } from './layout.js';
import { Pacer } from './pacer.js';
import { Registers } from './registers.js';
import { setClock } from './set-clock.js';
import type { VcpuRunner } from './vcpu-runner.js';
import { Workload } from './workload.js';

/** How often the vCPU gets its turn, in milliseconds. */
const SLICE_MS = 5;
/** Static pages that are filled in one turn. */
const FILL_BATCH = 4096;

export interface InlineVcpuOptions {
  readonly index: number;
  readonly vcpus: number;
  readonly layout: GuestLayout;
  readonly fill: boolean;
  readonly segments: readonly RamSegment[];
  readonly dirty: DirtyBitmap;
  readonly bus: Bus;
  readonly clock: Clock;
}

/** A vCPU that is stepped by timers of the machine's clock, on the machine's thread: exact and repeatable under a virtual clock. */
export class InlineVcpu implements VcpuRunner {
  readonly index: number;
  /** All vCPUs share the machine's thread, whose id is that of the process. */
  readonly threadId = process.pid;
  readonly registers = new Registers();
  readonly up = Promise.resolve();
  readonly #clock: Clock;
  readonly #bus: GuestBus;
  readonly #workload: Workload;
  #rate = 0;
  #turn: Timer | undefined;
  #attention: Timer | undefined;
  readonly #pacer: Pacer;

  constructor(options: InlineVcpuOptions) {
    this.index = options.index;
    this.#clock = options.clock;
    this.#bus = forgiving(options.bus);
    this.#workload = new Workload({ ...options, registers: this.registers, bus: this.#bus });
    this.#pacer = new Pacer(options.clock.now());
  }

  get ready(): boolean {
    return this.#workload.ready;
  }

  setRate(pagesPerSecond: number): void {
    this.#rate = pagesPerSecond;
    if (this.#turn !== undefined) this.#schedule();
  }

  setDevices(devices: readonly GuestDevice[]): void {
    this.#workload.setDevices(devices);
  }

  start(): void {
    if (this.#turn !== undefined) return;
    this.#pacer.restart(this.#clock.now());
    this.#schedule();
  }

  async pause(): Promise<void> {
    this.#turn?.cancel();
    this.#turn = undefined;
  }

  async audit(): Promise<Audit> {
    return this.#workload.audit();
  }

  async setClock(date: Date): Promise<void> {
    setClock(this.#bus, date);
  }

  attendSerial(): void {
    this.#attention?.cancel();
    // Not at once: whoever put the bytes there is not done yet.
    this.#attention = this.#clock.setTimer(() => {
      this.#attention = undefined;
      if (this.#turn !== undefined) echoSerial(this.#bus);
    }, 0);
  }

  async close(): Promise<void> {
    this.#attention?.cancel();
    await this.pause();
  }

  #schedule(): void {
    this.#turn?.cancel();
    // An idle vCPU needs no turns; a new rate gives it one.
    const idle = this.#workload.ready && this.#rate === 0;
    this.#turn = idle ? { cancel: () => {} } : this.#clock.setTimer(() => this.#run(), SLICE_MS);
  }

  #run(): void {
    for (let page = 0; page < FILL_BATCH && !this.#workload.ready; page++) this.#workload.fillStep();
    const due = this.#pacer.due(this.#clock.now(), this.#rate);
    if (this.#workload.ready) for (let page = 0; page < due; page++) this.#workload.step();
    this.#schedule();
  }
}

/** The bus as a vCPU sees it: what a failing or missing device leaves there reads as ones. */
function forgiving(bus: Bus): GuestBus {
  return {
    read(space, address, into) {
      try {
        bus.read(space, address, into);
      } catch {
        into.fill(0xff);
      }
    },
    write(space, address, from) {
      try {
        bus.write(space, address, from);
      } catch {
        // A posted write that nobody takes is lost without a trace.
      }
    },
  };
}
