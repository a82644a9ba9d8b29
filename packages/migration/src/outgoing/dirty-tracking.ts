import type { DirtyLog } from '../ports.js';
import type { RamSender } from '../ram/sender.js';
import type { SourceDevices } from './source-devices.js';

/** Which pages the guest and its devices write, from the beginning of a migration to the end of its RAM. */
export class DirtyTracking {
  readonly #dirtyLog: DirtyLog;
  readonly #devices: SourceDevices;
  readonly #ram: RamSender;
  readonly #onPass: ((pass: number) => void) | undefined;
  #active = false;

  /** @param onPass told of every round that begins */
  constructor(dirtyLog: DirtyLog, devices: SourceDevices, ram: RamSender, onPass?: (pass: number) => void) {
    this.#onPass = onPass;
    this.#dirtyLog = dirtyLog;
    this.#devices = devices;
    this.#ram = ram;
  }

  /** Without effect where it is on: what was logged stays. */
  async start(): Promise<void> {
    if (this.#active) return;
    this.#active = true;
    this.#dirtyLog.start();
    await this.#devices.startLogging(this.#ram.layout);
    if (this.#ram.rounds > 0) return;
    this.#ram.begin();
    this.#onPass?.(this.#ram.rounds);
  }

  /**
   * Has the pages that were written since the last time sent again; returns how many there are anew.
   * @param atEnd guest and devices are stopped
   */
  async collect(atEnd: boolean): Promise<number> {
    const pages = await this.#ram.collect([
      ({ words }) => this.#dirtyLog.collect(words),
      ...this.#devices.dirtySources(atEnd),
    ]);
    this.#onPass?.(this.#ram.rounds);
    return pages;
  }

  /** Everything was collected, and the guest is stopped. */
  async stop(): Promise<void> {
    this.#active = false;
    this.#dirtyLog.stop();
    await this.#devices.stopLogging();
  }

  /** Off, whatever becomes of the devices. */
  async abandon(): Promise<void> {
    this.#active = false;
    this.#dirtyLog.stop();
    await this.#devices.settle(async ({ entry }) => {
      if (entry.dmaTracking !== 'none') await entry.device.dmaLogging.stop();
    });
  }
}
