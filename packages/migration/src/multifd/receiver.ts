import { asError, DisconnectedError, MigrationError, StreamError } from '../errors.js';
import { Interruption } from '../interruption.js';
import type { Channel } from '../ports.js';
import { type IncomingRecord, StreamReader } from '../stream/reader.js';
import { recordTypes } from '../stream/records.js';
import type { Hold } from './block-order.js';

/** Bytes of a migration's id in a CHANNEL record. */
export const MIGRATION_ID_BYTES = 16;

export interface MultifdReceiverOptions {
  /** How many channels there will be. */
  readonly channels: number;
  /** What the CHANNEL record of each must say, {@link MIGRATION_ID_BYTES} bytes in hexadecimal. */
  readonly id: string;
  /** Loads one record of the channel, which is counted from 1. Called for several channels at once, for each in order. */
  load(record: IncomingRecord, reader: StreamReader, channel: number): Promise<void>;
}

/**
 * The additional channels of a migration, at the destination. Each is read as fast as it comes, up to a SYNC record; there
 * it waits until all channels, and the main one, have come to the same.
 */
export class MultifdReceiver {
  readonly #options: MultifdReceiverOptions;
  /** By their numbers. */
  readonly #readers = new Map<number, StreamReader>();
  readonly #channels: Channel[] = [];
  /** Ends every wait when one channel fails. */
  readonly #interruption = new Interruption();
  #syncs = 0;
  /** Channels that have come to the next SYNC, and what lets them go on. */
  #arrived = 0;
  #allArrived: (() => void) | undefined;
  #goOn = newGate();
  /** Channels that wait for something that another one brings. */
  #waiting = 0;
  #complete = false;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: MultifdReceiverOptions) {
    this.#options = options;
  }

  get bytes(): number {
    let bytes = 0;
    for (const reader of this.#readers.values()) bytes += reader.bytes;
    return bytes;
  }

  /** Takes one more channel, and owns it from now on. Throws {@link StreamError} where it does not belong here. */
  async add(channel: Channel): Promise<void> {
    this.#channels.push(channel);
    const reader = new StreamReader(channel, 'source');
    await reader.begin();
    const record = await reader.next();
    if (record?.type !== recordTypes.CHANNEL) {
      throw new StreamError(
        `an additional channel begins with ${record?.type.name ?? 'nothing'} instead of CHANNEL`,
      );
    }
    const id = record.payload.toString('hex', 0, MIGRATION_ID_BYTES);
    const number = record.payload.readUInt32BE(MIGRATION_ID_BYTES);
    if (id !== this.#options.id) throw new StreamError('an additional channel belongs to another migration');
    if (number >= this.#options.channels || this.#readers.has(number)) {
      throw new StreamError(`additional channel ${number} is there already, or was not announced`);
    }
    this.#readers.set(number, reader);
  }

  /** Begins to read all channels. */
  start(): void {
    const readings = [...this.#readers].map(([number, reader]) =>
      this.#read(reader, number + 1).catch((cause: unknown) => {
        const error = asError(cause);
        const explains = error instanceof MigrationError && !(error instanceof StreamError);
        const Reason = error instanceof DisconnectedError ? DisconnectedError : StreamError;
        this.#interruption.interrupt(
          explains ? error : new Reason(`channel ${number}: ${error.message}`, { cause }),
        );
      }),
    );
    this.#reading = Promise.all(readings);
  }

  /** Settles as `promise` does, or rejects as soon as a channel fails. */
  wait<T>(promise: Promise<T>): Promise<T> {
    return this.#interruption.wait(promise);
  }

  /** For what one channel can only do after another: waits as {@link Hold} says, but fails when no channel can go on. */
  readonly hold: Hold = (register) => {
    this.#waiting++;
    this.#checkProgress();
    const going = new Promise<void>((resolve) => {
      register(() => {
        this.#waiting--;
        resolve();
      });
    });
    return this.wait(going);
  };

  /** The main channel has come to SYNC `record`: resolves when all others have, and lets them go on. */
  async sync(record: IncomingRecord): Promise<void> {
    this.#expect(record);
    if (this.#arrived < this.#readers.size) {
      await this.wait(
        new Promise<void>((resolve) => {
          this.#allArrived = resolve;
        }),
      );
    }
    this.#syncs++;
    this.#arrived = 0;
    this.#allArrived = undefined;
    const open = this.#goOn.open;
    this.#goOn = newGate();
    open();
  }

  /** Everything has arrived: the channels may end. */
  complete(): void {
    this.#complete = true;
  }

  close(): void {
    this.#interruption.interrupt(new DisconnectedError('the channels are closed'));
    for (const channel of this.#channels) channel.close();
  }

  /** After {@link MultifdReceiver.close}: resolves when nothing of what has come is being loaded any more. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  async #read(reader: StreamReader, channel: number): Promise<void> {
    for (;;) {
      const record = await this.wait(reader.next());
      if (record === undefined) {
        if (this.#complete) return;
        throw new DisconnectedError('the source closed the connection before everything was sent');
      }
      if (record.type === recordTypes.SYNC) await this.#arrive(record);
      else await this.#options.load(record, reader, channel);
    }
  }

  #arrive(record: IncomingRecord): Promise<void> {
    this.#expect(record);
    const { passed } = this.#goOn;
    if (++this.#arrived === this.#readers.size) this.#allArrived?.();
    this.#checkProgress();
    return this.wait(passed);
  }

  #expect({ payload }: IncomingRecord): void {
    const number = payload.readUInt32BE(0);
    if (number !== this.#syncs + 1) throw new StreamError(`SYNC ${number} comes after SYNC ${this.#syncs}`);
  }

  #checkProgress(): void {
    if (this.#waiting === 0 || this.#waiting + this.#arrived < this.#readers.size) return;
    throw new StreamError('every channel waits for what none has brought');
  }
}

function newGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}
