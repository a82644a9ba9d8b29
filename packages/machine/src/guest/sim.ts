import type { Clock } from '@godwit/clock';
import type { DirtyLog, StateSection } from '@godwit/migration';
import type { Bus } from '../memory/bus.js';
import { DirtyBitmap } from '../memory/dirty-bitmap.js';
import { DmaView } from '../memory/dma-view.js';
import { type GuestMemory, PAGE_SIZE } from '../memory/guest-memory.js';
import type { Accelerator, Audit, DeviceAudit, GuestDevice, GuestReport, Vcpu } from './accelerator.js';
import { DeviceDriver } from './device-driver.js';
import { runProgramAsync } from './device-program.js';
import { InlineVcpu } from './inline-vcpu.js';
import { dmaBuffer, type GuestLayout, layoutGuest } from './layout.js';
import type { Counter } from './registers.js';
import { ThreadVcpu } from './thread-vcpu.js';
import type { VcpuRunner } from './vcpu-runner.js';

export interface SimOptions {
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Number of vCPUs. */
  readonly vcpus: number;
  /** One worker thread for each vCPU; otherwise all are stepped by timers of `clock`. */
  readonly threads: boolean;
  /** Bytes per second that the guest dirties; default 0. */
  readonly dirtyRate?: number | undefined;
  /** Bytes that it writes round after round; default half of RAM. */
  readonly workingSet?: number | undefined;
  /** Fill the rest of RAM at power-on, so that all of it has contents; default false. */
  readonly fill?: boolean | undefined;
  /** The guest switches itself off when the power button is pressed. */
  readonly powerdown?: boolean | undefined;
  /** How long a vCPU may take to stop, in milliseconds; default 10000, which is more than a device may take to answer. */
  readonly pauseTimeoutMs?: number | undefined;
  /** A vCPU's thread failed; the guest is not sound any more. */
  readonly onFailure?: ((error: Error) => void) | undefined;
}

const DEFAULT_PAUSE_TIMEOUT_MS = 10_000;

/** The embedded guest: a workload that notices when its memory, registers or devices did not come through a migration whole. */
export class Sim implements Accelerator {
  readonly name = 'sim';
  readonly layout: GuestLayout;
  readonly dirtyLog: DirtyLog;
  readonly up: Promise<void>;
  readonly #options: SimOptions;
  readonly #vcpus: readonly VcpuRunner[];
  #devices: readonly GuestDevice[] = [];
  #dirtyRate: number;
  #throttle = 0;
  #running = false;
  /** Milliseconds that it ran before it was last started, and when that was. */
  #ranMs = 0;
  #startedAt = 0;
  #closed: Promise<void> | undefined;

  /** Throws RangeError for a working set that does not fit. */
  constructor(options: SimOptions) {
    const {
      memory,
      bus,
      clock,
      vcpus,
      fill = false,
      pauseTimeoutMs = DEFAULT_PAUSE_TIMEOUT_MS,
      onFailure = () => {},
    } = options;
    const layout = layoutGuest(memory.size, options.workingSet);
    const dirty = new DirtyBitmap(memory.pages);
    this.#vcpus = Array.from({ length: vcpus }, (_, index) => {
      const parts = { index, vcpus, layout, fill };
      if (!options.threads) {
        return new InlineVcpu({ ...parts, segments: memory.segments, dirty, bus, clock });
      }
      const data = { ...parts, ram: memory.handle, dirty: dirty.buffer };
      return new ThreadVcpu({ data, bus, clock, pauseTimeoutMs, onFailure });
    });
    this.up = Promise.all(this.#vcpus.map((vcpu) => vcpu.up)).then(() => {});
    // Whoever waits is told; nobody has to wait.
    this.up.catch(() => {});
    this.#options = options;
    this.layout = layout;
    this.#dirtyRate = options.dirtyRate ?? 0;
    this.dirtyLog = {
      start: () => dirty.start(),
      stop: () => {
        dirty.stop();
        this.#setThrottle(0);
      },
      collect: (into) => dirty.collect(into),
      throttle: (percentage) => this.#setThrottle(percentage),
    };
    this.#applyRate();
  }

  get vcpus(): readonly Vcpu[] {
    return this.#vcpus;
  }

  get running(): boolean {
    return this.#running;
  }

  get ranMs(): number {
    return this.#ranMs + (this.#running ? this.#options.clock.now() - this.#startedAt : 0);
  }

  start(): void {
    if (this.#running || this.#closed !== undefined) return;
    this.#running = true;
    this.#startedAt = this.#options.clock.now();
    this.#options.memory.markUsed();
    for (const vcpu of this.#vcpus) vcpu.start();
    // What came in while it was paused, or came along with a migration, waits to be read.
    this.attendSerial();
    this.attendPower();
  }

  attendSerial(): void {
    this.#vcpus[0]!.attendSerial();
  }

  attendPower(): void {
    if (this.#options.powerdown === true && this.#running) this.#vcpus[0]!.attendPower();
  }

  interrupt(address: number): void {
    this.#vcpus[0]!.interrupt(address);
  }

  async pause(): Promise<void> {
    if (!this.#running) return;
    const stopped = await Promise.allSettled(this.#vcpus.map((vcpu) => vcpu.pause()));
    const failed = stopped.find((result) => result.status === 'rejected');
    if (failed !== undefined) {
      // All of them or none: those that stopped go on.
      for (const vcpu of this.#vcpus) vcpu.start();
      throw failed.reason;
    }
    this.#ranMs = this.ranMs;
    this.#running = false;
  }

  reset(): void {
    for (const vcpu of this.#vcpus) vcpu.registers.reset();
  }

  sections(): readonly StateSection[] {
    return this.#vcpus.map((vcpu) => vcpu.registers.section(`cpu/${vcpu.index}`));
  }

  configuration(): Readonly<Record<string, string>> {
    const { fill = false } = this.#options;
    return {
      vCPUs: String(this.#vcpus.length),
      accelerator: this.name,
      'working set': String(this.layout.workingSet.count * PAGE_SIZE),
      fill: fill ? 'on' : 'off',
    };
  }

  setDevices(devices: readonly GuestDevice[]): void {
    this.#devices = devices;
    for (const vcpu of this.#vcpus) vcpu.setDevices(devices);
  }

  setDirtyRate(bytesPerSecond: number): void {
    if (!Number.isFinite(bytesPerSecond) || bytesPerSecond < 0) {
      throw new RangeError(`a dirty rate of ${bytesPerSecond} bytes per second is not possible`);
    }
    this.#dirtyRate = bytesPerSecond;
    this.#applyRate();
  }

  async setClock(date: Date): Promise<void> {
    if (!this.#running) throw new Error('a guest that does not run cannot set its clock');
    await this.#vcpus[0]!.setClock(date);
  }

  report(): GuestReport {
    const sum = (counter: Counter): number =>
      this.#vcpus.reduce((total, { registers }) => total + registers.get(counter), 0);
    return {
      ready: this.#vcpus.every((vcpu) => vcpu.ready),
      dirtyRate: this.#dirtyRate,
      workingSet: this.layout.workingSet.count * PAGE_SIZE,
      pagesWritten: sum('steps') + sum('filled'),
      pagesChecked: sum('checked'),
      lost: sum('lost'),
      torn: sum('torn'),
      repeated: sum('repeated'),
      deviceAccesses: sum('deviceAccesses'),
      deviceFaults: sum('deviceFaults'),
      deviceInterrupts: sum('deviceInterrupts'),
    };
  }

  async audit(): Promise<Audit> {
    const audits = await Promise.all(this.#vcpus.map((vcpu) => vcpu.audit()));
    const sum = (of: (audit: Audit) => number): number =>
      audits.reduce((total, audit) => total + of(audit), 0);
    return {
      pages: sum((audit) => audit.pages),
      lost: sum((audit) => audit.lost),
      torn: sum((audit) => audit.torn),
      repeated: sum((audit) => audit.repeated),
    };
  }

  async auditDevices(): Promise<readonly DeviceAudit[]> {
    const { bus } = this.#options;
    const memory = new DmaView(this.#options.memory);
    return Promise.all(
      this.#devices.map(async (device, slot) => {
        const driver = new DeviceDriver({
          device,
          vcpu: 0,
          dmaBuffer: dmaBuffer(this.layout.dma, slot),
          memory,
        });
        // Not as a vCPU sees it: whoever asks is told that a device could not be asked.
        return runProgramAsync(driver.audit(), ({ kind, address, data }) => bus[kind]('mmio', address, data));
      }),
    );
  }

  close(): Promise<void> {
    this.#running = false;
    this.#closed ??= Promise.all(this.#vcpus.map((vcpu) => vcpu.close())).then(() => {});
    return this.#closed;
  }

  #setThrottle(percentage: number): void {
    if (percentage === this.#throttle) return;
    this.#throttle = percentage;
    this.#applyRate();
  }

  #applyRate(): void {
    const pages = (this.#dirtyRate / PAGE_SIZE) * (1 - this.#throttle / 100);
    for (const vcpu of this.#vcpus) vcpu.setRate(pages / this.#vcpus.length);
  }
}
