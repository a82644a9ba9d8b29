import type { Clock } from '@godwit/clock';
import type { MachinePort } from '../ports.js';
import type { RamSender } from '../ram/sender.js';
import type { Connection } from './connection.js';
import { Convergence } from './convergence.js';
import type { DirtyTracking } from './dirty-tracking.js';
import type { OutgoingOptions } from './options.js';
import type { Pace } from './pace.js';
import type { SourceDevices } from './source-devices.js';
import type { Throttle } from './throttle.js';

/** Nothing to send, yet too much left to stop the guest: look again after this long. */
const IDLE_MS = 10;

export interface PreCopyParts {
  readonly options: OutgoingOptions;
  readonly connection: Connection;
  readonly ram: RamSender;
  readonly tracking: DirtyTracking;
  readonly devices: SourceDevices;
  readonly pace: Pace;
  readonly throttle: Throttle;
}

/** What is sent while the guest runs: RAM in rounds, and what the devices offer. */
export class PreCopy {
  readonly #options: OutgoingOptions;
  readonly #machine: MachinePort;
  readonly #clock: Clock;
  readonly #connection: Connection;
  readonly #ram: RamSender;
  readonly #tracking: DirtyTracking;
  readonly #devices: SourceDevices;
  readonly #pace: Pace;
  readonly #throttle: Throttle;
  readonly #convergence: Convergence;
  #collectedAt: number;

  constructor({ options, connection, ram, tracking, devices, pace, throttle }: PreCopyParts) {
    this.#options = options;
    this.#machine = options.machine;
    this.#clock = options.clock;
    this.#connection = connection;
    this.#ram = ram;
    this.#tracking = tracking;
    this.#devices = devices;
    this.#pace = pace;
    this.#throttle = throttle;
    this.#collectedAt = options.clock.now();
    this.#convergence = new Convergence(this.#collectedAt, ram.transferred);
  }

  /** False when the guest writes as fast as it is sent. */
  get converging(): boolean {
    return this.#convergence.converging;
  }

  /** Bytes a second that the guest wrote lately. */
  get dirtyRate(): number {
    return this.#convergence.dirtyRate;
  }

  /** Sends until what is left fits into the downtime limit and nobody objects. */
  async run(): Promise<void> {
    const { interruption } = this.#connection;
    while (!(await this.#canSwitchOver())) {
      const before = this.#connection.bytes;
      const pagesBefore = this.#ram.pages;
      const startedAt = this.#clock.now();
      const { writer, forPages, pagesAtOnce } = this.#connection;
      const most = Math.min(this.#pace.slice, pagesAtOnce);
      await this.#pace.send(this.#connection, () => this.#ram.send(forPages, most));
      for (const device of this.#devices) {
        const iterate = () => device.iterate(writer, this.#machine.control.running);
        await this.#devices.run(device.entry, this.#pace.send(this.#connection, iterate));
      }
      if (this.#connection.bytes === before) await interruption.sleep(this.#clock, IDLE_MS);
      const elapsed = this.#clock.now() - startedAt;
      this.#pace.count(this.#connection.bytes - before, this.#ram.pages - pagesBefore, elapsed);
      interruption.throwIfInterrupted();
    }
  }

  /** Whether what is left fits into the downtime limit. Dirty pages are collected only when it looks as if it did. */
  async #canSwitchOver(): Promise<boolean> {
    if (!this.#machine.control.running) {
      // There is no downtime to be kept short: a stopped guest goes as soon as its RAM has gone.
      if (this.#ram.remaining > 0) return false;
      await this.#endRound();
      return this.#ram.remaining === 0;
    }
    const { threshold } = this.#pace;
    if (this.#ram.remaining + this.#devices.estimate > threshold) return false;
    if (this.#pace.isGuess(this.#ram.remaining)) return false;
    // Not after every batch, where a device keeps what is left above the threshold.
    if (this.#ram.remaining > 0 && this.#clock.now() - this.#collectedAt < IDLE_MS) return false;
    await this.#endRound();
    const left = this.#ram.remaining + (await this.#devices.measure());
    return left <= threshold && this.#acknowledged();
  }

  #acknowledged(): boolean {
    const { returnPath } = this.#connection;
    if (this.#options.switchoverAck !== true || returnPath === undefined) return true;
    if (!this.#machine.control.running || !this.#devices.anyInPreCopy) return true;
    return this.#devices.allInitialSent && returnPath.hasAcknowledged(this.#devices.initialSentRecords);
  }

  async #endRound(): Promise<void> {
    const pages = await this.#tracking.collect(false);
    const dirtied = pages * this.#ram.layout.pageSize;
    this.#collectedAt = this.#clock.now();
    const { converging } = this.#convergence;
    if (this.#convergence.endRound(this.#collectedAt, dirtied, this.#ram.transferred)) {
      this.#throttle.endPeriod(this.#convergence.dirtyPercentage);
    }
    if (this.#convergence.converging !== converging) this.#options.onConverging?.(!converging);
    await this.#connection.multifd?.sync(this.#connection.writer);
    await this.#ram.sendRoundMark(this.#connection.writer);
  }
}
