import type { Clock } from '@godwit/clock';
import type { DevicePending } from '../device/sender.js';
import { DeviceSender } from '../device/sender.js';
import { asError, MigrationError } from '../errors.js';
import { Interruption } from '../interruption.js';
import type { DeviceEntry } from '../ports.js';
import type { DirtyBitmap } from '../ram/dirty-bitmap.js';
import type { RamLayout } from '../ram/layout.js';
import type { DirtySource } from '../ram/sender.js';
import type { DeviceStatistics } from './statistics.js';

/** The devices of a machine that moves away. Errors say which device it was. */
export class SourceDevices implements Iterable<DeviceSender> {
  readonly #senders: readonly DeviceSender[];
  readonly #clock: Clock;
  readonly #graceMs: number;
  #interruption: Interruption;

  /** @param graceMs for how long a device may not return from a call when the migration is over; 0: for ever */
  constructor(entries: readonly DeviceEntry[], interruption: Interruption, clock: Clock, graceMs: number) {
    this.#senders = entries.map((entry, number) => new DeviceSender(entry, number));
    this.#interruption = interruption;
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** Another connection took the place of the one that broke: all devices begin again. */
  startOver(interruption: Interruption): void {
    this.#interruption = interruption;
    for (const sender of this.#senders) sender.startOver();
  }

  [Symbol.iterator](): Iterator<DeviceSender> {
    return this.#senders.values();
  }

  /** Bytes of device data sent, without headers. */
  get bytes(): number {
    return this.#sum(({ bytes }) => bytes);
  }

  /** What is left, as far as that can be told without asking the devices. */
  get estimate(): number {
    return this.#sum(({ estimate }) => estimate);
  }

  /** What was left when the devices were last asked. */
  get pending(): number {
    return this.#sum(({ pending }) => pending.stopCopy);
  }

  get anyInPreCopy(): boolean {
    return this.#senders.some(({ preCopy }) => preCopy);
  }

  get allInitialSent(): boolean {
    return this.#senders.every(({ initialSent }) => initialSent);
  }

  get initialSentRecords(): number {
    return this.#sum(({ initialSentRecords }) => initialSentRecords);
  }

  /** Those whose last data goes over additional channels, and those that use the main channel. */
  byTransfer(multifd: boolean): [DeviceSender[], DeviceSender[]] {
    const spread = this.#senders.filter(({ entry }) => multifd && entry.multifdTransfer !== 'off');
    return [spread, this.#senders.filter((sender) => !spread.includes(sender))];
  }

  /**
   * What the devices write to RAM.
   * @param atEnd they have stopped
   */
  dirtySources(atEnd: boolean): DirtySource[] {
    const asked = this.#senders.filter(({ entry }) => atEnd || entry.dmaTracking !== 'log-at-end');
    return asked.map((sender): DirtySource => {
      const { entry } = sender;
      if (entry.dmaTracking !== 'none') {
        return (bitmap, layout) => this.run(entry, collectDma(entry, bitmap, layout));
      }
      return (bitmap) => {
        if (sender.mayHaveWritten()) bitmap.setAll();
      };
    });
  }

  async startLogging(layout: RamLayout): Promise<void> {
    const ranges = layout.segments.map(({ address, bytes }) => ({ iova: address, length: bytes.length }));
    for (const { entry } of this.#senders) {
      if (entry.dmaTracking === 'none') continue;
      await this.run(entry, entry.device.dmaLogging.start(ranges, layout.pageSize));
    }
  }

  async stopLogging(): Promise<void> {
    for (const { entry } of this.#senders) {
      if (entry.dmaTracking !== 'none') await this.run(entry, entry.device.dmaLogging.stop());
    }
  }

  async setUp(): Promise<void> {
    for (const sender of this.#senders) {
      await this.run(sender.entry, sender.setup());
      this.#interruption.throwIfInterrupted();
    }
  }

  /** Asks the devices what is left to send, in bytes. */
  async measure(): Promise<number> {
    let left = 0;
    for (const sender of this.#senders) {
      const pending: DevicePending = await this.run(sender.entry, sender.measure());
      left += pending.stopCopy;
    }
    return left;
  }

  /** For each device, whatever becomes of the others. */
  async settle(step: (sender: DeviceSender) => Promise<void>): Promise<void> {
    for (const sender of this.#senders) {
      try {
        await this.#await(sender.entry, step(sender), ended());
      } catch {
        // The controller has reset the device or given it up, which is all that can be done for it.
      }
    }
  }

  /** Waits for what moves all devices; those that do not return are given up when the migration is over. */
  async move(work: Promise<void>): Promise<void> {
    try {
      await this.#interruption.waitPatiently(work, this.#clock, this.#graceMs);
    } catch (error) {
      if (error !== this.#interruption.reason) throw error;
      for (const { entry } of this.#senders) entry.controller.abandon();
      await work;
    }
  }

  /** Says which device it was. */
  async run<T>(entry: DeviceEntry, work: Promise<T>): Promise<T> {
    try {
      return await this.#await(entry, work, this.#interruption);
    } catch (cause) {
      if (cause instanceof MigrationError || cause === this.#interruption.reason) throw cause;
      throw new MigrationError(`device '${entry.name}': ${asError(cause).message}`, { cause });
    }
  }

  /** @param since when the migration began, on the machine's clock */
  statistics(since: number): DeviceStatistics[] {
    return this.#senders.map((sender) => ({
      id: sender.entry.id,
      qomPath: sender.entry.qomPath,
      state: sender.entry.device.state,
      sent: sender.bytes,
      left: sender.pending,
      transitions: sender.entry.controller.transitionsSince(since),
      downtime: sender.downtime,
    }));
  }

  /** A device that is still at it some time after the migration was interrupted is given up. */
  async #await<T>(entry: DeviceEntry, work: Promise<T>, interruption: Interruption): Promise<T> {
    let returned = false;
    const returning = work.finally(() => {
      returned = true;
    });
    try {
      return await interruption.waitPatiently(returning, this.#clock, this.#graceMs);
    } catch (error) {
      if (!returned) entry.controller.abandon(returning);
      throw error;
    }
  }

  #sum(what: (sender: DeviceSender) => number): number {
    return this.#senders.reduce((sum, sender) => sum + what(sender), 0);
  }
}

/** For what follows the end of a migration. */
function ended(): Interruption {
  const interruption = new Interruption();
  interruption.interrupt(new Error('the migration is over'));
  return interruption;
}

async function collectDma({ device }: DeviceEntry, bitmap: DirtyBitmap, layout: RamLayout): Promise<void> {
  for (const { address, bytes, firstPage, pages } of layout.segments) {
    const words = bitmap.words.subarray(firstPage / 32, Math.ceil((firstPage + pages) / 32));
    await device.dmaLogging.report(address, bytes.length, layout.pageSize, words);
  }
}
