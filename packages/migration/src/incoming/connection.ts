import type { Clock } from '@godwit/clock';
import { guardChannel, waitForChannel } from '../channel/interruptible-channel.js';
import {
  decodeConfiguration,
  type MultifdConfiguration,
  type StreamConfiguration,
} from '../configuration.js';
import { asError, DisconnectedError, MigrationError, NEEDS_CHANNELS, StreamError } from '../errors.js';
import { Interruption } from '../interruption.js';
import { MultifdReceiver, type MultifdReceiverOptions } from '../multifd/receiver.js';
import type { Channel } from '../ports.js';
import type { RamLayout } from '../ram/layout.js';
import type { RamSharing, SourceRam } from '../ram/sharing.js';
import { type IncomingRecord, StreamReader } from '../stream/reader.js';
import { recordTypes } from '../stream/records.js';
import { StreamWriter } from '../stream/writer.js';
import type { MigrationTimeouts } from '../timeouts.js';
import type { AcceptChannel } from './options.js';

/** The destination's connection to the source: what comes from there, and what is answered. */
export class SourceConnection {
  readonly #channel: Channel;
  readonly #interruption: Interruption;
  readonly #clock: Clock;
  readonly #timeouts: MigrationTimeouts;
  readonly reader: StreamReader;
  /** Undefined where nobody hears an answer. */
  readonly writer: StreamWriter | undefined;
  #multifd: MultifdReceiver | undefined;
  /** The source's memory, where pages are taken out of it. */
  sourceRam: SourceRam | undefined;
  /** The record of the main channel that is being read. */
  #reading: Promise<unknown> = Promise.resolve();
  /** One that is read before anybody asks for it. */
  #ahead: Promise<IncomingRecord | undefined> | undefined;

  /** Owns the channel. */
  constructor(channel: Channel, interruption: Interruption, clock: Clock, timeouts: MigrationTimeouts) {
    this.#channel = channel;
    this.#interruption = interruption;
    this.#clock = clock;
    this.#timeouts = timeouts;
    const guarded = this.#guard(channel);
    this.reader = new StreamReader(guarded, 'source');
    this.writer = channel.oneWay === true ? undefined : new StreamWriter(guarded);
  }

  /** The additional channels; undefined without any. */
  get multifd(): MultifdReceiver | undefined {
    return this.#multifd;
  }

  /** Bytes that came. */
  get bytes(): number {
    return this.reader.bytes + (this.#multifd?.bytes ?? 0);
  }

  /** What the source says first. */
  async begin(): Promise<StreamConfiguration> {
    await this.writer?.begin();
    await this.reader.begin();
    const record = await this.next();
    if (record.type !== recordTypes.CONFIGURATION) {
      throw new StreamError(`the stream begins with ${record.type.name} instead of CONFIGURATION`);
    }
    return decodeConfiguration(record.payload);
  }

  /** Opens the memory that the source has shared with its configuration; without it pages come over the channels. */
  openSourceRam(sharing: RamSharing, layout: RamLayout): void {
    const descriptor = this.#channel.takeDescriptor?.();
    if (descriptor !== undefined) this.sourceRam = sharing.open(descriptor, layout);
  }

  /** Waits for the additional channels, as long as the source does not hang up. */
  async acceptAdditional(
    multifd: MultifdConfiguration,
    accept: AcceptChannel | undefined,
    load: MultifdReceiverOptions['load'],
  ): Promise<void> {
    if (accept === undefined) throw new MigrationError(NEEDS_CHANNELS);
    const receiver = new MultifdReceiver({ ...multifd, load });
    this.#multifd = receiver;
    const gone = this.#watch();
    for (let number = 0; number < multifd.channels; number++) {
      const arriving = (async () => {
        const channel = await waitForChannel(this.#interruption, waitForChannel(gone, accept()));
        await receiver.add(this.#guard(channel));
      })();
      await this.#interruption.waitAtMost(
        gone.wait(arriving),
        this.#clock,
        this.#timeouts.handshake,
        `the source does not open all of its ${multifd.channels} additional channels`,
      );
    }
  }

  /** The next record of the main channel. */
  async next(): Promise<IncomingRecord> {
    const reading = this.#ahead ?? this.reader.next();
    this.#ahead = undefined;
    this.#reading = reading;
    const record = await (this.#multifd?.wait(reading) ?? reading);
    if (record === undefined) throw hungUp();
    return record;
  }

  /** Begins to read, before it is the source's turn, to see it hang up, which interrupts. */
  #watch(): Interruption {
    const gone = new Interruption();
    this.#ahead = this.reader.next();
    this.#reading = this.#ahead;
    this.#ahead.then(
      (record) => {
        if (record === undefined) gone.interrupt(hungUp());
      },
      (error: unknown) => gone.interrupt(asError(error)),
    );
    return gone;
  }

  /** The source takes answers at once, or is gone. */
  #guard(channel: Channel): Channel {
    const { stall } = this.#timeouts;
    return guardChannel(channel, this.#interruption, this.#clock, () => stall, 'the source takes no answer');
  }

  /**
   * Tells the source why it failed, and reads on until it hangs up: closing with unread data would break the connection
   * before the source has read why.
   */
  async tellFailure(reason: Error): Promise<void> {
    const { writer } = this;
    if (writer === undefined) return;
    const payload = Buffer.from(reason.message).subarray(0, recordTypes.FAILED.maxPayload);
    const tell = async () => {
      const writing = writer.write({ type: recordTypes.FAILED, payload });
      const scratch = Buffer.allocUnsafe(64 << 10);
      const draining = (async () => {
        await this.#reading.catch(() => {});
        while (await this.#channel.readExactly(scratch));
      })();
      await Promise.allSettled([writing, draining]);
    };
    const done = tell();
    try {
      await this.#interruption.waitAtMost(done, this.#clock, this.#timeouts.hangUp, 'the source stays');
    } catch {
      // It was told, or cannot be; what counts is that the connection ends.
    }
  }

  close(): void {
    this.#multifd?.close();
    this.#channel.close();
  }

  /** Closes, and waits until nothing of what has come is being loaded any more. */
  async end(): Promise<void> {
    this.close();
    await this.#multifd?.settled();
    await this.releaseSourceRam();
  }

  /** Waits until no page of the source's memory is being copied any more, and lets go of it. */
  async releaseSourceRam(): Promise<void> {
    const { sourceRam } = this;
    this.sourceRam = undefined;
    await sourceRam?.close();
  }
}

function hungUp(): DisconnectedError {
  return new DisconnectedError('the source closed the connection before everything was sent');
}
