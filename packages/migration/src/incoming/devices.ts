import type { Clock } from '@godwit/clock';
import { DeviceState } from '@godwit/vfio/contract';
import type { DeviceConfiguration } from '../configuration.js';
import { asError, MigrationError, StreamError, TimeoutError } from '../errors.js';
import { Interruption } from '../interruption.js';
import { BlockOrder, type Hold } from '../multifd/block-order.js';
import type { DeviceEntry } from '../ports.js';
import type { IncomingRecord } from '../stream/reader.js';
import type { MigrationTimeouts } from '../timeouts.js';
import type { IncomingStatistics } from './statistics.js';

interface Receiver {
  readonly entry: DeviceEntry;
  readonly preCopy: boolean;
  /** Of what comes over additional channels. */
  readonly blocks: BlockOrder | undefined;
  bytes: number;
  initialSent: boolean;
  ended: boolean;
}

/** How long calls to devices may take. */
export interface DevicePatience {
  readonly clock: Clock;
  readonly timeouts: MigrationTimeouts;
  /** Ends the migration; a device is then given a last moment to return. */
  readonly interruption: Interruption;
}

/**
 * Of the time that the source waits for an answer, this is left to a device that does not return from a call: the source is
 * to hear the reason.
 */
const PATIENCE = 0.9;

/** Puts the devices' data where it belongs. Devices are numbered as the source's configuration lists them. */
export class DeviceReceivers {
  readonly #patience: DevicePatience;
  readonly #receivers: readonly Receiver[];
  #initialSentRecords = 0;

  /**
   * @param hold how a channel waits for another; absent where there are no additional channels
   * @param before the receivers of a connection that broke; what they counted counts on
   */
  constructor(
    entries: readonly DeviceEntry[],
    configuration: readonly DeviceConfiguration[],
    patience: DevicePatience,
    hold?: Hold,
    before?: DeviceReceivers,
  ) {
    this.#patience = patience;
    const byPath = new Map(entries.map((entry) => [entry.qomPath, entry]));
    this.#receivers = configuration.map(({ qomPath, preCopy, multifd }, number) => ({
      entry: byPath.get(qomPath)!,
      preCopy,
      blocks: multifd && hold !== undefined ? new BlockOrder(hold) : undefined,
      bytes: before === undefined ? 0 : (before.#receivers[number]?.bytes ?? 0),
      initialSent: false,
      ended: false,
    }));
  }

  get bytes(): number {
    return this.#receivers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get initialSentRecords(): number {
    return this.#initialSentRecords;
  }

  get allInitialSent(): boolean {
    return this.#receivers.every(({ preCopy, initialSent }) => initialSent || !preCopy);
  }

  /** @param since when the migration began, on the machine's clock */
  statistics(since: number): IncomingStatistics['devices'] {
    return this.#receivers.map(({ entry, bytes }) => ({
      id: entry.id,
      qomPath: entry.qomPath,
      state: entry.device.state,
      received: bytes,
      transitions: entry.controller.transitionsSince(since),
    }));
  }

  async setUp(): Promise<void> {
    for (const { entry } of this.#receivers) await this.#resume(entry);
  }

  async receive(record: IncomingRecord): Promise<void> {
    const receiver = this.#receiver(record);
    await this.#write(receiver.entry, record.payload);
    receiver.bytes += record.payload.length;
  }

  /** Takes a block that came over an additional channel, when those before it are done. */
  async receiveBlock(record: IncomingRecord): Promise<void> {
    const receiver = this.#receiver(record);
    const { entry, blocks } = receiver;
    if (blocks === undefined) {
      throw new StreamError(`device '${entry.name}' does not use additional channels`);
    }
    const data = record.payload.subarray(4);
    await blocks.inTurn(record.payload.readUInt32BE(0), () => this.#write(entry, data));
    receiver.bytes += data.length;
  }

  initialSent(record: IncomingRecord): void {
    this.#receiver(record).initialSent = true;
    this.#initialSentRecords++;
  }

  async restart(record: IncomingRecord): Promise<void> {
    const receiver = this.#receiver(record);
    receiver.initialSent = false;
    const { entry } = receiver;
    await this.#run(entry, entry.controller.discardResuming(), this.#patience.timeouts.stall);
    await this.#resume(entry);
  }

  end(record: IncomingRecord): void {
    const receiver = this.#receiver(record);
    const { entry, blocks } = receiver;
    const sent = record.payload.length === 0 ? undefined : record.payload.readUInt32BE(0);
    if (sent !== blocks?.done) {
      throw new StreamError(
        `device '${entry.name}' sent ${sent ?? 0} blocks over additional channels, ${blocks?.done ?? 0} arrived`,
      );
    }
    receiver.ended = true;
  }

  /** Every device leaves RESUMING, and with that says whether it can use what it was given. */
  async finish(): Promise<void> {
    for (const { entry, ended } of this.#receivers) {
      if (!ended) throw new StreamError(`the stream ends without the end of device '${entry.name}'`);
    }
    // All at once: each may take its time, and the guest stands still.
    const { loaded } = this.#patience.timeouts;
    const finished = this.#receivers.map(({ entry }) =>
      this.#run(entry, entry.controller.finishResuming(), loaded),
    );
    for (const result of await Promise.allSettled(finished)) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  /** Nothing of what came is of use. */
  async discard(): Promise<void> {
    for (const { entry } of this.#receivers) {
      try {
        await this.#run(entry, entry.controller.discardResuming(), this.#patience.timeouts.device);
      } catch {
        // A device that cannot even be reset stays as it is; the migration's own error is the one to report.
      }
    }
  }

  #resume(entry: DeviceEntry): Promise<void> {
    const work = entry.controller.setState(DeviceState.RESUMING, DeviceState.STOP);
    return this.#run(entry, work, this.#patience.timeouts.handshake);
  }

  #write(entry: DeviceEntry, data: Uint8Array): Promise<void> {
    return this.#run(entry, entry.device.writeData(data), this.#patience.timeouts.stall);
  }

  /**
   * Says which device it was. One that does not return is given up.
   * @param sourceMs how long the source waits for it; 0: for ever
   */
  async #run(entry: DeviceEntry, work: Promise<void>, sourceMs: number): Promise<void> {
    const { clock, timeouts, interruption } = this.#patience;
    let returned = false;
    const returning = work.finally(() => {
      returned = true;
    });
    const limitMs = sourceMs * PATIENCE;
    const limit = new Interruption();
    const expire = () => limit.interrupt(new TimeoutError(`it does not answer (waited ${limitMs} ms)`));
    const timer = limitMs === 0 ? undefined : clock.setTimer(expire, limitMs);
    try {
      await interruption.waitPatiently(limit.wait(returning), clock, timeouts.device);
    } catch (cause) {
      if (!returned) entry.controller.abandon(returning);
      if (cause === interruption.reason) throw cause;
      throw new MigrationError(`device '${entry.name}': ${asError(cause).message}`, { cause });
    } finally {
      timer?.cancel();
    }
  }

  #receiver({ subject, type }: IncomingRecord): Receiver {
    const receiver = this.#receivers[subject];
    if (receiver === undefined)
      throw new StreamError(`${type.name} record for device ${subject}, which does not exist`);
    if (receiver.ended)
      throw new StreamError(`${type.name} record after the end of device '${receiver.entry.name}'`);
    return receiver;
  }
}
