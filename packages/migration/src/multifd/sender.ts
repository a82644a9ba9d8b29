import { asError } from '../errors.js';
import { recordTypes } from '../stream/records.js';
import {
  bytesOf,
  type OutgoingRecord,
  type RecordSink,
  type StreamWriter,
  type Written,
} from '../stream/writer.js';

/** What became of records that a channel has taken over. */
export interface Submitted extends Written {
  /** Resolves when the channel has sent them, so that their payloads may be used again. Its rejection needs no handler. */
  readonly sent: Promise<unknown>;
}

/**
 * Spreads records over several channels: each goes to whichever has nothing to do. What two writes carry may arrive in any
 * order, unless a {@link MultifdSender.sync} stands between them. Where one channel breaks, nothing more goes over any.
 */
export class MultifdSender implements RecordSink {
  readonly #writers: readonly StreamWriter[];
  /** Those with nothing to do, the longest idle one first. */
  readonly #idle: StreamWriter[];
  readonly #waiting: { resolve: (writer: StreamWriter) => void; reject: (error: Error) => void }[] = [];
  #failure: Error | undefined;
  #syncs = 0;

  constructor(writers: readonly StreamWriter[]) {
    this.#writers = writers;
    this.#idle = [...writers];
  }

  get channels(): number {
    return this.#writers.length;
  }

  /** Bytes that the channels took, headers included. */
  get bytes(): number {
    return this.#writers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Resolves when a channel has taken the records over. They go out in the order of the calls, one call to a channel. */
  async submit(...records: readonly OutgoingRecord[]): Promise<Submitted> {
    const writer = await this.#take();
    const sent = writer.write(...records);
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    sent.then(
      () => this.#release(writer),
      (error: unknown) => this.#fail(asError(error)),
    );
    return { bytes, channel: writer.number, sent };
  }

  /** As {@link MultifdSender.submit}, for payloads that stay as they are until the next sync. */
  write(...records: readonly OutgoingRecord[]): Promise<Written> {
    return this.submit(...records);
  }

  /** What comes after it, on any channel, the destination takes up when it has everything from before it. */
  async sync(main: StreamWriter): Promise<void> {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(++this.#syncs);
    const record = { type: recordTypes.SYNC, payload };
    const writers = await Promise.all(this.#writers.map(() => this.#take()));
    try {
      await Promise.all(writers.map((writer) => writer.write(record)));
    } catch (error) {
      this.#fail(asError(error));
      throw error;
    }
    for (const writer of writers) this.#release(writer);
    await main.write(record);
  }

  #take(): Promise<StreamWriter> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const writer = this.#idle.shift();
    if (writer !== undefined) return Promise.resolve(writer);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #release(writer: StreamWriter): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(writer);
    else next.resolve(writer);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
