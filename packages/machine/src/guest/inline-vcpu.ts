import type { Clock, Timer } from '@godwit/clock';
import type { RamSegment } from '@godwit/migration';
import type { Bus } from '../memory/bus.js';
import type { DirtyBitmap } from '../memory/dirty-bitmap.js';
import type { Audit, GuestDevice } from './accelerator.js';
import { type DeviceProgram, runProgramAsync } from './device-program.js';
import { echoSerial } from './echo-serial.js';
import { type GuestPorts, portsOf } from './guest-ports.js';
import type { GuestLayout } from './layout.js';
import { Pacer } from './pacer.js';
import { answerPowerButton } from './power-button.js';
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
  readonly #bus: Bus;
  readonly #ports: GuestPorts;
  readonly #workload: Workload;
  #rate = 0;
  #running = false;
  #turn: Timer | undefined;
  #attention: Timer | undefined;
  /** Something waits at the serial port. */
  #serialWaits = false;
  /** Devices whose interrupt is to be served, by their address. */
  readonly #interrupts = new Set<number>();
  /** The device that the vCPU waits for: it does nothing else until that has answered. */
  #waiting: Promise<void> | undefined;
  readonly #pacer: Pacer;

  constructor(options: InlineVcpuOptions) {
    this.index = options.index;
    this.#clock = options.clock;
    this.#bus = options.bus;
    this.#ports = portsOf(options.bus);
    this.#workload = new Workload({ ...options, registers: this.registers, ports: this.#ports });
    this.#pacer = new Pacer(options.clock.now());
  }

  get ready(): boolean {
    return this.#workload.ready;
  }

  setRate(pagesPerSecond: number): void {
    this.#rate = pagesPerSecond;
    this.#schedule();
  }

  setDevices(devices: readonly GuestDevice[]): void {
    this.#workload.setDevices(devices);
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#pacer.restart(this.#clock.now());
    this.#schedule();
    this.#attend();
  }

  async pause(): Promise<void> {
    this.#running = false;
    this.#turn?.cancel();
    await this.#waiting;
  }

  async audit(): Promise<Audit> {
    return this.#workload.audit();
  }

  async setClock(date: Date): Promise<void> {
    setClock(this.#ports, date);
  }

  attendSerial(): void {
    this.#serialWaits = true;
    this.#attend();
  }

  attendPower(): void {
    answerPowerButton(this.#ports);
  }

  interrupt(address: number): void {
    this.#interrupts.add(address);
    this.#attend();
  }

  async close(): Promise<void> {
    this.#attention?.cancel();
    await this.pause();
  }

  /** Looks at what waits. Not at once: whoever caused it is not done yet. */
  #attend(): void {
    this.#attention?.cancel();
    if (!this.#serialWaits && this.#interrupts.size === 0) return;
    this.#attention = this.#clock.setTimer(() => {
      if (!this.#running || this.#waiting !== undefined) return;
      if (this.#serialWaits) echoSerial(this.#ports);
      this.#serialWaits = false;
      for (const address of this.#interrupts) {
        this.#interrupts.delete(address);
        if (!this.#perform(this.#workload.interrupt(address))) return;
      }
    }, 0);
  }

  #schedule(): void {
    this.#turn?.cancel();
    // An idle vCPU needs no turns; a new rate gives it one.
    const idle = this.#workload.ready && this.#rate === 0;
    if (!this.#running || this.#waiting !== undefined || idle) return;
    this.#turn = this.#clock.setTimer(() => this.#run(), SLICE_MS);
  }

  #run(): void {
    for (let page = 0; page < FILL_BATCH && !this.#workload.ready; page++) this.#workload.fillStep();
    const due = this.#pacer.due(this.#clock.now(), this.#rate);
    if (this.#workload.ready) this.#work(due);
    this.#schedule();
  }

  #work(due: number): void {
    for (let done = 1; done <= due; done++) {
      const program = this.#workload.step();
      if (program === undefined || this.#perform(program)) continue;
      this.#pacer.giveBack(due - done);
      return;
    }
  }

  /** Whether the program is done already; otherwise the vCPU waits for it, and goes on by itself. */
  #perform(program: DeviceProgram<void>): boolean {
    const done = runProgramAsync(program, ({ kind, address, data }) =>
      this.#bus.access(kind, 'mmio', address, data),
    );
    if (done === undefined) return true;
    this.#waiting = done.finally(() => {
      this.#waiting = undefined;
      this.#schedule();
      this.#attend();
    });
    return false;
  }
}
