import { DeviceState } from '@godwit/vfio/contract';
import type { DeviceConfiguration } from '../configuration.js';
import { asError, MigrationError, StreamError } from '../errors.js';
import { BlockOrder, type Hold } from '../multifd/block-order.js';
import type { DeviceEntry } from '../ports.js';
import type { IncomingRecord } from '../stream/reader.js';
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

/** Puts the devices' data where it belongs. Devices are numbered as the source's configuration lists them. */
export class DeviceReceivers {
  readonly #receivers: readonly Receiver[];
  #initialSentRecords = 0;

  /**
   * @param hold how a channel waits for another; absent where there are no additional channels
   * @param before the receivers of a connection that broke; what they counted counts on
   */
  constructor(
    entries: readonly DeviceEntry[],
    configuration: readonly DeviceConfiguration[],
    hold?: Hold,
    before?: DeviceReceivers,
  ) {
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
    for (const { entry } of this.#receivers) {
      await forDevice(entry, entry.controller.setState(DeviceState.RESUMING, DeviceState.STOP));
    }
  }

  async receive(record: IncomingRecord): Promise<void> {
    const receiver = this.#receiver(record);
    await forDevice(receiver.entry, receiver.entry.device.writeData(record.payload));
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
    await blocks.inTurn(record.payload.readUInt32BE(0), () => forDevice(entry, entry.device.writeData(data)));
    receiver.bytes += data.length;
  }

  initialSent(record: IncomingRecord): void {
    this.#receiver(record).initialSent = true;
    this.#initialSentRecords++;
  }

  async restart(record: IncomingRecord): Promise<void> {
    const receiver = this.#receiver(record);
    receiver.initialSent = false;
    const { controller } = receiver.entry;
    await forDevice(receiver.entry, controller.discardResuming());
    await forDevice(receiver.entry, controller.setState(DeviceState.RESUMING, DeviceState.STOP));
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
    const finished = this.#receivers.map(({ entry }) => forDevice(entry, entry.controller.finishResuming()));
    for (const result of await Promise.allSettled(finished)) {
      if (result.status === 'rejected') throw result.reason;
    }
  }

  /** Nothing of what came is of use. */
  async discard(): Promise<void> {
    for (const { entry } of this.#receivers) {
      try {
        await entry.controller.discardResuming();
      } catch {
        // A device that cannot even be reset stays as it is; the migration's own error is the one to report.
      }
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

async function forDevice<T>(entry: DeviceEntry, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new MigrationError(`device '${entry.name}': ${asError(cause).message}`, { cause });
  }
}
