import { crc32 } from 'node:zlib';
import type { Channel } from '../ports.js';
import {
  PREAMBLE_BYTES,
  RECORD_HEADER_BYTES,
  STREAM_MAGIC,
  STREAM_VERSION,
  type StreamRecordType,
} from './records.js';

export interface OutgoingRecord {
  readonly type: StreamRecordType;
  /** Number of the device, 0 for what belongs to no device. */
  readonly subject?: number;
  readonly payload?: Uint8Array;
  /** The pages after a RAM_PAGES record, as views of guest RAM. */
  readonly pages?: readonly Uint8Array[];
  /** Bytes of pages that the destination copies by itself; they count as sent. */
  readonly copied?: number;
}

/** Where records go. */
export interface RecordSink {
  /** Pages go there as RAM_COPY: the destination copies them by itself. */
  readonly copiesPages?: boolean;
  /** Resolves when more are welcome. All of one call go over the same channel. */
  write(...records: readonly OutgoingRecord[]): Promise<Written>;
}

/** Where records went. */
export interface Written {
  /** Bytes that they take, headers included. */
  readonly bytes: number;
  /** The channel; 0 is the main one. */
  readonly channel: number;
}

/** The bytes that a record takes, its header included. */
export function bytesOf({ payload, pages, copied = 0 }: OutgoingRecord): number {
  let bytes = RECORD_HEADER_BYTES + (payload?.length ?? 0) + copied;
  for (const page of pages ?? []) bytes += page.length;
  return bytes;
}

/** Writes one direction of a migration stream. */
export class StreamWriter implements RecordSink {
  readonly #channel: Channel;
  readonly #number: number;
  #bytes = 0;
  #records = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param number 0 for the main channel, from 1 for additional ones */
  constructor(channel: Channel, number = 0) {
    this.#channel = channel;
    this.#number = number;
  }

  get number(): number {
    return this.#number;
  }

  /** Bytes written, or being written, headers included. */
  get bytes(): number {
    return this.#bytes;
  }

  get records(): number {
    return this.#records;
  }

  async begin(): Promise<void> {
    const preamble = Buffer.alloc(PREAMBLE_BYTES);
    preamble.write(STREAM_MAGIC, 'latin1');
    preamble.writeUInt32BE(STREAM_VERSION, 8);
    this.#bytes += preamble.length;
    await this.#channel.write([preamble]);
  }

  /** Writes the records in one go. Payloads and pages may be reused when the promise has settled. */
  write(...records: readonly OutgoingRecord[]): Promise<Written> {
    return this.#write(records);
  }

  /** The record, and a descriptor with it where the channel carries descriptors. */
  async writeWithDescriptor(record: OutgoingRecord, descriptor: number): Promise<void> {
    await this.#write([record], descriptor);
  }

  async #write(records: readonly OutgoingRecord[], descriptor?: number): Promise<Written> {
    const chunks: Uint8Array[] = [];
    for (const { type, subject, payload, pages } of records) {
      const length = payload?.length ?? 0;
      if (length < type.minPayload || length > type.maxPayload) {
        throw new RangeError(`a ${type.name} record cannot carry ${length} bytes`);
      }
      const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
      header.writeUInt16BE(type.type, 0);
      header.writeUInt16BE(subject ?? 0, 2);
      header.writeUInt32BE(length, 4);
      header.writeUInt32BE(payload === undefined ? 0 : crc32(payload), 8);
      header.writeUInt32BE(crc32(header.subarray(0, 12)), 12);
      chunks.push(header);
      if (payload !== undefined && length > 0) chunks.push(payload);
      if (pages !== undefined) chunks.push(...pages);
      this.#records++;
    }
    const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
    this.#bytes += bytes;
    // Several may write at once, each all of its own.
    const writing = this.#turn.then(() => this.#channel.write(chunks, descriptor));
    this.#turn = writing.catch(() => {});
    try {
      await writing;
    } catch (error) {
      // How much of it went is not known; what did not arrive whole has to be sent again.
      this.#bytes -= bytes;
      throw error;
    }
    return { bytes, channel: this.#number };
  }
}
