import { asError, DisconnectedError, PeerError } from '../errors.js';
import type { Interruption } from '../interruption.js';
import type { Channel } from '../ports.js';
import { StreamReader } from '../stream/reader.js';
import { recordTypes } from '../stream/records.js';

/** What the destination says to the source. A word that ends the migration interrupts it. */
export class ReturnPath {
  readonly #reader: StreamReader;
  readonly #interruption: Interruption;
  #accept: (arrivedRecords: readonly number[] | undefined) => void = () => {};
  #load: () => void = () => {};
  #loadedReceived = false;
  #acknowledged = -1;
  #lost: Error | undefined;
  #ramMapped = false;
  #copied = 0;
  #whenCopied: { readonly atLeast: number; readonly resolve: () => void } | undefined;
  /**
   * The destination has compared the configuration and is ready; how many records of RAM have arrived there, by
   * channel; undefined where it forgets them when the connection breaks.
   */
  readonly accepted: Promise<readonly number[] | undefined>;
  /** The destination has loaded and checked everything. */
  readonly loaded: Promise<void>;
  /** Settles when nothing more comes; never rejects. */
  readonly ended: Promise<void>;

  constructor(channel: Channel, interruption: Interruption) {
    this.#reader = new StreamReader(channel, 'destination');
    this.#interruption = interruption;
    this.accepted = new Promise((resolve) => {
      this.#accept = resolve;
    });
    this.loaded = new Promise((resolve) => {
      this.#load = resolve;
    });
    this.ended = this.#listen();
  }

  /** What ended it where the destination said nothing of that. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  get loadedReceived(): boolean {
    return this.#loadedReceived;
  }

  /** The destination copies pages by itself; known when it has accepted. */
  get ramMapped(): boolean {
    return this.#ramMapped;
  }

  /** Resolves when the destination has done so many RAM_COPY records. One at a time waits for that. */
  copied(atLeast: number): Promise<void> {
    if (this.#copied >= atLeast) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenCopied = { atLeast, resolve };
    });
  }

  /** Whether the destination acknowledged the switchover after it got `initialSentRecords` DEVICE_INITIAL_SENT records. */
  hasAcknowledged(initialSentRecords: number): boolean {
    return this.#acknowledged === initialSentRecords;
  }

  async #listen(): Promise<void> {
    try {
      await this.#reader.begin();
      for (;;) {
        const record = await this.#reader.next();
        if (record === undefined) throw closed();
        if (record.type === recordTypes.FAILED) {
          throw new PeerError(`the destination failed: ${record.payload.toString('utf8')}`);
        }
        if (record.type === recordTypes.ACCEPTED) {
          this.#accept(record.payload.length === 0 ? undefined : numbersIn(record.payload));
        }
        if (record.type === recordTypes.RAM_MAPPED) this.#ramMapped = true;
        if (record.type === recordTypes.RAM_COPIED) this.#count(record.payload.readUInt32BE(0));
        if (record.type === recordTypes.SWITCHOVER_ACK) this.#acknowledged = record.payload.readUInt32BE(0);
        if (record.type === recordTypes.LOADED) {
          this.#loadedReceived = true;
          this.#load();
          return;
        }
      }
    } catch (error) {
      const silent = this.#reader.bytes === 0;
      const reason = silent && error instanceof DisconnectedError ? closed(error) : asError(error);
      if (reason instanceof DisconnectedError) this.#lost = reason;
      this.#interruption.interrupt(reason);
    }
  }

  #count(copied: number): void {
    this.#copied = copied;
    if (this.#whenCopied === undefined || copied < this.#whenCopied.atLeast) return;
    this.#whenCopied.resolve();
    this.#whenCopied = undefined;
  }
}

function closed(cause?: Error): DisconnectedError {
  return new DisconnectedError('the destination closed the connection', { cause });
}

/** A number that is cut off is left out. */
function numbersIn(payload: Buffer): number[] {
  return Array.from({ length: payload.length >>> 2 }, (_, index) => payload.readUInt32BE(index * 4));
}
