import type { Clock } from '@godwit/clock';
import { waitForChannel } from '../channel/interruptible-channel.js';
import { checkConfiguration, describeConfiguration, type StreamConfiguration } from '../configuration.js';
import {
  asError,
  CancelledError,
  DisconnectedError,
  MigrationError,
  MismatchError,
  StreamError,
} from '../errors.js';
import { Interruption } from '../interruption.js';
import type { Channel, MachinePort } from '../ports.js';
import { RamReceiver } from '../ram/receiver.js';
import { Reconnection } from '../reconnection.js';
import type { MigrationOutcome, MigrationStatus } from '../status.js';
import type { IncomingRecord, StreamReader } from '../stream/reader.js';
import { recordTypes } from '../stream/records.js';
import type { StreamWriter } from '../stream/writer.js';
import { SourceConnection } from './connection.js';
import { DeviceReceivers } from './devices.js';
import type { AcceptChannel, IncomingOptions } from './options.js';
import { SectionLoader } from './sections.js';
import type { IncomingStatistics } from './statistics.js';

/** The destination's side of one migration. */
export class IncomingMigration {
  readonly #options: IncomingOptions;
  readonly #machine: MachinePort;
  readonly #clock: Clock;
  readonly #interruption = new Interruption();
  readonly #reconnection = new Reconnection<AcceptChannel>();
  readonly #ram: RamReceiver;
  #devices: DeviceReceivers | undefined;
  #sections: SectionLoader;
  #connection: SourceConnection | undefined;
  #status: MigrationStatus = 'none';
  #error: Error | undefined;
  #startedAt = 0;
  #endedAt: number | undefined;
  #rounds = 0;
  #configuration: StreamConfiguration | undefined;
  /** All was loaded and checked: from here on the guest is whole, whether it starts or not. */
  #loaded = false;
  /** Everything has arrived, END included. */
  #received = false;
  /** Bytes that came over connections that broke. */
  #earlierBytes = 0;

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#clock = options.clock;
    this.#ram = new RamReceiver(options.machine.ram, options.pageDigests);
    this.#sections = new SectionLoader(options.machine.sections());
  }

  get status(): MigrationStatus {
    return this.#status;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  get statistics(): IncomingStatistics {
    return {
      status: this.#status,
      ...(this.#error === undefined ? {} : { error: this.#error.message }),
      startedAt: this.#startedAt,
      totalTime: this.#status === 'none' ? 0 : (this.#endedAt ?? this.#clock.now()) - this.#startedAt,
      received: this.#earlierBytes + (this.#connection?.bytes ?? 0) + this.#ram.copiedBytes,
      ram: {
        transferred: this.#ram.transferred,
        total: this.#ram.layout.bytes,
        dirtySyncCount: this.#rounds,
      },
      vfio: { transferred: this.#devices?.bytes ?? 0 },
      devices: this.#devices?.statistics(this.#startedAt) ?? [],
    };
  }

  /**
   * Waits for the source, and loads what it sends. Additional channels need a function, which is called for each.
   * Never rejects; {@link error} says what went wrong.
   */
  async start(channel: Channel | AcceptChannel): Promise<MigrationOutcome> {
    if (this.#status !== 'none') throw new Error('a migration can be started once');
    this.#startedAt = this.#clock.now();
    this.#setStatus('setup');
    try {
      const accept = typeof channel === 'function' ? channel : undefined;
      const connected =
        typeof channel === 'function' ? await waitForChannel(this.#interruption, channel()) : channel;
      await this.#negotiate(this.#connect(connected), undefined, accept);
      const runState = await this.#receiveAll();
      await this.#finishLoading();
      await this.#takeOver(runState);
      return 'completed';
    } catch (error) {
      return await this.#giveUp(asError(error));
    }
  }

  /**
   * Breaks the connection of a migration that can do without, which is then `postcopy-paused`. Returns false, without
   * effect, where there is none that could be broken so.
   */
  pause(): boolean {
    const receiving = this.#status === 'active' && this.#outlivesConnection && !this.#received;
    if (!receiving && this.#status !== 'postcopy-recover') return false;
    this.#connection?.close();
    return true;
  }

  /**
   * Waits for the source on another connection. One that waits already goes on to do so, and turns to this one when its
   * own fails. Returns false where the migration is neither `postcopy-paused` nor waits so.
   */
  recover(accept: AcceptChannel): boolean {
    if (this.#status === 'postcopy-paused') this.#setStatus('postcopy-recover-setup');
    else if (this.#status !== 'postcopy-recover-setup') return false;
    this.#reconnection.give(accept);
    return true;
  }

  /** Stops waiting or loading. Without effect once the guest was taken over. */
  cancel(): void {
    if (this.#status === 'none' || this.#endedAt !== undefined) return;
    this.#interruption.interrupt(new CancelledError('the incoming migration was cancelled'));
    this.#connection?.close();
  }

  #connect(channel: Channel): SourceConnection {
    this.#earlierBytes += this.#connection?.bytes ?? 0;
    this.#connection = new SourceConnection(channel, this.#interruption, this.#clock, this.#options.timeouts);
    return this.#connection;
  }

  /**
   * @param before what the source said on a connection that broke; it takes up that migration
   * @param accept for additional channels
   */
  async #negotiate(
    connection: SourceConnection,
    before: StreamConfiguration | undefined,
    accept?: AcceptChannel,
  ): Promise<void> {
    const configuration = await connection.begin();
    const channels = this.#options.multifdChannels?.() ?? 0;
    checkConfiguration(
      configuration,
      describeConfiguration(this.#machine, this.#options.pageDigests.name, {
        switchoverAck: configuration.switchoverAck,
        multifd: channels === 0 ? undefined : { channels, id: configuration.multifd?.id ?? '' },
      }),
    );
    checkRecovery(configuration, before);
    this.#configuration = configuration;
    const { ramSharing } = this.#options;
    if (configuration.sharesRam && ramSharing !== undefined) {
      connection.openSourceRam(ramSharing, this.#ram.layout);
    }
    if (configuration.multifd !== undefined) {
      await connection.acceptAdditional(configuration.multifd, accept, (record, reader, channel) =>
        this.#loadAdditional(record, reader, channel),
      );
    }
    if (before === undefined) this.#setStatus('active');
    this.#devices = new DeviceReceivers(
      this.#machine.devices(),
      configuration.devices,
      { clock: this.#clock, timeouts: this.#options.timeouts, interruption: this.#interruption },
      connection.multifd?.hold,
      this.#devices,
    );
    await this.#devices.setUp();
    this.#interruption.throwIfInterrupted();
    connection.multifd?.start();
    if (connection.sourceRam !== undefined) await connection.writer?.write({ type: recordTypes.RAM_MAPPED });
    await connection.writer?.write({ type: recordTypes.ACCEPTED, payload: this.#arrived() });
    if (before !== undefined) this.#setStatus('active');
  }

  /** What ACCEPTED tells a source that can go on over another connection. */
  #arrived(): Buffer {
    if (!this.#outlivesConnection) return Buffer.alloc(0);
    const arrived = this.#ram.arrivedOver(1 + (this.#configuration?.multifd?.channels ?? 0));
    const payload = Buffer.alloc(4 * arrived.length);
    for (const [channel, records] of arrived.entries()) payload.writeUInt32BE(records, 4 * channel);
    return payload;
  }

  get #outlivesConnection(): boolean {
    return this.#options.recovers === true && this.#configuration?.recovery !== undefined;
  }

  /** Reads up to and including END, over as many connections as it takes; returns the source's run state. */
  async #receiveAll(): Promise<string> {
    for (;;) {
      try {
        const runState = await this.#receive(this.#connection!);
        this.#received = true;
        return runState;
      } catch (error) {
        if (!(error instanceof DisconnectedError) || !this.#outlivesConnection) throw error;
        await this.#pauseFor(error);
      }
      await this.#reconnect();
    }
  }

  /** Keeps the RAM that has arrived; sections and devices start anew. */
  async #pauseFor(reason: Error): Promise<void> {
    await this.#connection?.end();
    await this.#devices?.discard();
    this.#interruption.throwIfInterrupted();
    this.#ram.resume();
    this.#sections = new SectionLoader(this.#machine.sections());
    this.#error = reason;
    this.#setStatus('postcopy-paused');
  }

  async #reconnect(): Promise<void> {
    for (;;) {
      const accept = await this.#reconnection.wait(this.#interruption);
      if (this.#status === 'postcopy-paused') this.#setStatus('postcopy-recover-setup');
      try {
        const connection = this.#connect(await waitForChannel(this.#interruption, accept()));
        this.#setStatus('postcopy-recover');
        await this.#negotiate(connection, this.#configuration, accept);
        this.#error = undefined;
        return;
      } catch (error) {
        this.#interruption.throwIfInterrupted();
        const reason = asError(error);
        if (!(reason instanceof DisconnectedError)) await this.#connection?.tellFailure(reason);
        await this.#pauseFor(reason);
      }
    }
  }

  /** Reads up to and including END; returns the source's run state. */
  async #receive(connection: SourceConnection): Promise<string> {
    const { reader } = connection;
    for (;;) {
      const record = await connection.next();
      const before = reader.records - 1;
      this.#interruption.throwIfInterrupted();
      if (record.type !== recordTypes.END) {
        await this.#load(record, connection);
        continue;
      }
      const records = record.payload.readUInt32BE(0);
      if (records !== before) {
        throw new StreamError(`the source sent ${records} records, ${before} arrived`);
      }
      connection.multifd?.complete();
      return record.payload.toString('utf8', 4);
    }
  }

  async #load(record: IncomingRecord, { reader, writer, multifd }: SourceConnection): Promise<void> {
    const devices = this.#devices!;
    switch (record.type) {
      case recordTypes.RAM_PAGES:
        return await this.#ram.receivePages(record, reader);
      case recordTypes.RAM_COPY:
        return await this.#copyPages(record);
      case recordTypes.RAM_ZERO:
        return this.#ram.receiveZeros(record);
      case recordTypes.RAM_ROUND:
        this.#rounds = record.payload.readUInt32BE(0);
        return this.#ram.endRound();
      case recordTypes.RAM_DIGESTS:
        return this.#ram.checkDigests(record);
      case recordTypes.DEVICE_DATA:
        return await devices.receive(record);
      case recordTypes.SYNC:
        if (multifd === undefined) throw new StreamError('SYNC without additional channels');
        return await multifd.sync(record);
      case recordTypes.DEVICE_INITIAL_SENT:
        return await this.#acknowledge(record, writer);
      case recordTypes.DEVICE_RESTART:
        return await devices.restart(record);
      case recordTypes.DEVICE_END:
        return devices.end(record);
      case recordTypes.SECTION:
        return this.#sections.load(record);
      default:
        throw new StreamError(`unexpected ${record.type.name} record`);
    }
  }

  async #loadAdditional(record: IncomingRecord, reader: StreamReader, channel: number): Promise<void> {
    switch (record.type) {
      case recordTypes.RAM_PAGES:
        return await this.#ram.receivePages(record, reader, channel);
      case recordTypes.RAM_COPY:
        return await this.#copyPages(record, channel);
      case recordTypes.RAM_ZERO:
        return this.#ram.receiveZeros(record, channel);
      case recordTypes.DEVICE_BLOCK:
        return await this.#devices!.receiveBlock(record);
      default:
        throw new StreamError(`unexpected ${record.type.name} record`);
    }
  }

  async #copyPages(record: IncomingRecord, channel = 0): Promise<void> {
    const { sourceRam, writer } = this.#connection!;
    if (sourceRam === undefined) throw new StreamError('RAM_COPY without the memory of the source');
    await this.#ram.copyPages(record, sourceRam, channel);
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(this.#ram.copies);
    // A source that is gone may have sent everything: what is left to read will tell.
    await writer?.write({ type: recordTypes.RAM_COPIED, payload }).catch(() => {});
  }

  async #disconnect(): Promise<void> {
    this.#connection?.close();
    await this.#connection?.releaseSourceRam();
  }

  async #acknowledge(record: IncomingRecord, writer: StreamWriter | undefined): Promise<void> {
    const devices = this.#devices!;
    devices.initialSent(record);
    if (this.#configuration?.switchoverAck !== true || !devices.allInitialSent) return;
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(devices.initialSentRecords);
    await writer?.write({ type: recordTypes.SWITCHOVER_ACK, payload });
  }

  async #finishLoading(): Promise<void> {
    this.#ram.checkComplete();
    this.#sections.checkComplete();
    await this.#devices!.finish();
    this.#interruption.throwIfInterrupted();
    this.#loaded = true;
  }

  async #takeOver(runState: string): Promise<void> {
    const connection = this.#connection;
    if (connection?.writer !== undefined) {
      let go: IncomingRecord | undefined;
      try {
        await connection.writer.write({ type: recordTypes.LOADED });
        go = await connection.reader.next();
        if (go?.type !== recordTypes.GO) throw new StreamError('the source closed the connection');
      } catch (cause) {
        this.#machine.control.loadedWithoutGo(runState);
        throw new MigrationError(
          'everything is loaded, but the source did not say whether it gave the guest up ' +
            `(${asError(cause).message}); continue the guest here only if it does not run there`,
          { cause },
        );
      }
    }
    await this.#machine.control.takeOver(runState);
    this.#endedAt = this.#clock.now();
    this.#setStatus('completed');
    await this.#disconnect();
  }

  async #giveUp(error: Error): Promise<'failed' | 'cancelled'> {
    const reason = this.#interruption.reason ?? error;
    this.#error = reason;
    const expected = reason instanceof CancelledError || reason instanceof DisconnectedError;
    if (!expected && !this.#loaded) await this.#connection?.tellFailure(reason);
    await this.#disconnect();
    if (!this.#loaded) await this.#devices?.discard();
    this.#endedAt = this.#clock.now();
    this.#setStatus('failed');
    return reason instanceof CancelledError ? 'cancelled' : 'failed';
  }

  #setStatus(status: MigrationStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}

/** Throws {@link MismatchError} where this is not the connection that is waited for. */
function checkRecovery(source: StreamConfiguration, before: StreamConfiguration | undefined): void {
  const resumed = source.recovery?.resumes === true ? source.recovery.migration : undefined;
  if (before === undefined && resumed !== undefined) {
    throw new MismatchError('the source takes up a migration that did not begin here');
  }
  if (before !== undefined && resumed !== before.recovery?.migration) {
    throw new MismatchError('this is not the source of the migration that waits to be taken up');
  }
}
