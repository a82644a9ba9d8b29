import type { Clock } from '@godwit/clock';
import { errnoOf } from '@godwit/native';
import { guardChannel, transferError, waitForChannel } from '../channel/interruptible-channel.js';
import {
  encodeConfiguration,
  type MultifdConfiguration,
  type StreamConfiguration,
} from '../configuration.js';
import { asError, DisconnectedError, MigrationError, NEEDS_CHANNELS, TimeoutError } from '../errors.js';
import { Interruption } from '../interruption.js';
import { MIGRATION_ID_BYTES } from '../multifd/receiver.js';
import { MultifdSender } from '../multifd/sender.js';
import type { Channel } from '../ports.js';
import type { SharedRam } from '../ram/sharing.js';
import { recordTypes } from '../stream/records.js';
import { type RecordSink, StreamWriter } from '../stream/writer.js';
import type { MigrationTimeouts } from '../timeouts.js';
import type { OpenChannel } from './options.js';
import { PageCopies } from './page-copies.js';
import { ReturnPath } from './return-path.js';

/** Bytes of RAM that all additional channels have at a time: what is under way counts as sent when the guest is stopped. */
const MULTIFD_BYTES = 4 << 20;
const MIN_BATCH_BYTES = 64 << 10;
const STALLED = 'the destination takes no more data';
/** A broken connection may still hold the destination's reason; wait this long for it. */
const REASON_MS = 200;

/** The source's connection to the destination: what goes there, what comes back, and what ends both. */
export class Connection {
  readonly interruption = new Interruption();
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #timeouts: MigrationTimeouts;
  readonly #writeLimit: () => number;
  #open: OpenChannel | undefined;
  #channel: Channel | undefined;
  #writer: StreamWriter | undefined;
  #returnPath: ReturnPath | undefined;
  #reasonAwaited = false;
  #guarded: Channel | undefined;
  #arrivedRecords: readonly number[] | undefined;
  readonly #additional: Channel[] = [];
  #multifd: MultifdSender | undefined;
  #copies: PageCopies | undefined;

  /** @param writeLimit for how many milliseconds the destination may keep a write waiting, asked at each; 0 for ever */
  constructor(clock: Clock, timeouts: MigrationTimeouts, writeLimit: () => number) {
    this.#clock = clock;
    this.#timeouts = timeouts;
    this.#writeLimit = writeLimit;
  }

  /** Throws where there is no connection yet. */
  get writer(): StreamWriter {
    if (this.#writer === undefined) throw new Error('nothing is connected');
    return this.#writer;
  }

  /** The additional channels; undefined without any. */
  get multifd(): MultifdSender | undefined {
    return this.#multifd;
  }

  /** Where pages go. */
  get forPages(): RecordSink {
    return this.#copies ?? this.#multifd ?? this.writer;
  }

  /** How many bytes of pages go there at a time at most: less where several channels are to have some. */
  get pagesAtOnce(): number {
    if (this.#multifd === undefined || this.#copies !== undefined) return Number.POSITIVE_INFINITY;
    return Math.max(MIN_BATCH_BYTES, MULTIFD_BYTES / this.#multifd.channels);
  }

  /** The destination takes pages out of the source's memory by itself. */
  get copiesPages(): boolean {
    return this.#copies !== undefined;
  }

  /** Undefined where nothing comes back: from a file, from the input of a program. */
  get returnPath(): ReturnPath | undefined {
    return this.#returnPath;
  }

  /** Bytes that went to the destination. */
  get bytes(): number {
    return (this.#writer?.bytes ?? 0) + (this.#multifd?.bytes ?? 0);
  }

  /**
   * Whether the migration outlives this connection: how many records of RAM had arrived when it was made, by channel.
   * Undefined where it does not.
   */
  get arrivedRecords(): readonly number[] | undefined {
    return this.#arrivedRecords;
  }

  async connect(channel: Channel | OpenChannel): Promise<void> {
    if (typeof channel === 'function') this.#open = channel;
    const connected =
      typeof channel === 'function'
        ? await waitForChannel(this.interruption, channel(this.#abort.signal))
        : channel;
    this.#channel = connected;
    this.#guarded = this.#guard(connected);
  }

  /**
   * Says what is going to be sent; resolves when the destination has accepted that.
   * @param shareRam opens the source's RAM, for a destination on the same host
   */
  async introduce(configuration: StreamConfiguration, shareRam?: () => SharedRam | undefined): Promise<void> {
    const channel = this.#guarded;
    if (channel === undefined) throw new Error('nothing is connected');
    const { multifd } = configuration;
    const single = this.#open === undefined || this.#channel?.oneWay === true;
    if (multifd !== undefined && single) throw new MigrationError(NEEDS_CHANNELS);
    this.#writer = new StreamWriter(channel);
    if (this.#channel?.oneWay !== true) this.#returnPath = new ReturnPath(channel, this.interruption);
    await this.#writer.begin();
    const shared = channel.carriesDescriptors === true ? shareRam?.() : undefined;
    try {
      await this.#sendConfiguration(this.#writer, configuration, shared);
    } finally {
      shared?.close();
    }
    if (multifd !== undefined && this.#open !== undefined) {
      this.#multifd = await this.#openAdditional(multifd, this.#open);
    }
    if (this.#returnPath === undefined) return;
    this.#arrivedRecords = await this.interruption.waitAtMost(
      this.#returnPath.accepted,
      this.#clock,
      this.#timeouts.handshake,
      'the destination does not answer',
    );
    if (this.#returnPath.ramMapped) this.#copies = this.#letCopy(this.#returnPath);
  }

  async #sendConfiguration(
    writer: StreamWriter,
    configuration: StreamConfiguration,
    shared: SharedRam | undefined,
  ): Promise<void> {
    const payload = encodeConfiguration(
      shared === undefined ? configuration : { ...configuration, sharesRam: true },
    );
    const record = { type: recordTypes.CONFIGURATION, payload };
    if (shared === undefined) await writer.write(record);
    else await writer.writeWithDescriptor(record, shared.descriptor);
  }

  #letCopy(returnPath: ReturnPath): PageCopies {
    return new PageCopies(this.#multifd ?? this.writer, (atLeast) =>
      this.interruption.waitAtMost(returnPath.copied(atLeast), this.#clock, this.#writeLimit(), STALLED),
    );
  }

  async #openAdditional({ channels, id }: MultifdConfiguration, open: OpenChannel): Promise<MultifdSender> {
    const writers: StreamWriter[] = [];
    for (let number = 0; number < channels; number++) {
      const channel = await waitForChannel(this.interruption, open(this.#abort.signal));
      this.#additional.push(channel);
      const writer = new StreamWriter(this.#guard(channel), number + 1);
      const payload = Buffer.alloc(MIGRATION_ID_BYTES + 4);
      payload.write(id, 'hex');
      payload.writeUInt32BE(number, MIGRATION_ID_BYTES);
      await writer.begin();
      await writer.write({ type: recordTypes.CHANNEL, payload });
      writers.push(writer);
    }
    return new MultifdSender(writers);
  }

  #guard(channel: Channel): Channel {
    return guardChannel(channel, this.interruption, this.#clock, this.#writeLimit, STALLED);
  }

  /**
   * All was sent: waits until the destination has loaded it, or a one-way channel has put it where it goes. Returns
   * whether there is somebody who waits to be told to start the guest.
   */
  async delivered(): Promise<boolean> {
    if (this.#returnPath === undefined) {
      await this.#guarded?.finish?.();
      return false;
    }
    await this.interruption.waitAtMost(
      this.#returnPath.loaded,
      this.#clock,
      this.#timeouts.loaded,
      'the destination does not say that it has loaded everything',
    );
    return true;
  }

  /** Ends the connection, and with `reason` everything that waits for it. The first reason counts. */
  break(reason: Error): void {
    this.interruption.interrupt(reason);
    this.#abort.abort();
    this.close();
  }

  /** After what was written has been taken. */
  close(): void {
    for (const channel of this.#additional) channel.close();
    this.#channel?.close();
  }

  /**
   * Why it ended. Where writing failed first, the destination's own words may still be on their way, and are waited for once;
   * what failed here needs no words from there, and the guest may stand still.
   */
  async reasonFor(error: Error): Promise<Error> {
    const isAwaited = error instanceof DisconnectedError && !this.#reasonAwaited;
    if (isAwaited && this.#returnPath !== undefined && this.interruption.reason === undefined) {
      this.#reasonAwaited = true;
      try {
        await this.interruption.waitAtMost(this.#returnPath.ended, this.#clock, REASON_MS, 'no reason came');
      } catch {
        // Either it came, and interrupted, or none will.
      }
    }
    const reason = this.interruption.reason ?? error;
    if (this.#returnPath?.lost !== reason) return reason;
    return error !== reason && error instanceof DisconnectedError ? error : await this.#lastWrite(reason);
  }

  /** The destination is gone without a word. QEMU, which hears none, finds out by writing on; so the reason is that. */
  async #lastWrite(gone: Error): Promise<Error> {
    const raw = this.#channel;
    if (raw?.medium === undefined) return gone;
    const channel = guardChannel(raw, new Interruption(), this.#clock, () => REASON_MS, '');
    try {
      // The first may still be taken, and be what the other host answers with a reset.
      for (let waited = 0; waited < REASON_MS; waited += REASON_MS / 10) {
        await channel.write([Buffer.alloc(1)]);
        await new Interruption().sleep(this.#clock, REASON_MS / 10);
      }
      return gone;
    } catch (error) {
      if (errnoOf(error) !== undefined) return asError(error);
      if (asError(error).cause instanceof TimeoutError) return gone;
      // It was closed on this side.
      return transferError('write to', raw.medium, 'Broken pipe', error);
    }
  }

  /** Resolves when nothing more comes from the destination. */
  async ended(): Promise<void> {
    await this.#returnPath?.ended;
  }
}
