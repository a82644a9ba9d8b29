import { crc32 } from 'node:zlib';
import { DisconnectedError, StreamError } from '../errors.js';
import type { Channel } from '../ports.js';
import {
  PREAMBLE_BYTES,
  RECORD_HEADER_BYTES,
  type RecordType,
  recordTypeOf,
  STREAM_MAGIC,
  STREAM_VERSION,
  type StreamRecordType,
} from './records.js';

export interface IncomingRecord {
  readonly type: StreamRecordType;
  readonly subject: number;
  /** Valid until the next record is read. */
  readonly payload: Buffer;
}

/** Reads one direction of a migration stream and checks every byte of it, save the pages, which the RAM digests cover. */
export class StreamReader {
  readonly #channel: Channel;
  readonly #from: RecordType['from'];
  readonly #header = Buffer.alloc(RECORD_HEADER_BYTES);
  #payload = Buffer.alloc(0);
  #bytes = 0;
  #records = 0;

  /** @param from the side that writes what is read here */
  constructor(channel: Channel, from: RecordType['from']) {
    this.#channel = channel;
    this.#from = from;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get records(): number {
    return this.#records;
  }

  /** Reads the preamble; throws {@link StreamError} where it is not that of a stream this side can read. */
  async begin(): Promise<void> {
    const preamble = Buffer.alloc(PREAMBLE_BYTES);
    if (!(await this.#channel.readExactly(preamble))) throw new DisconnectedError('the stream is empty');
    this.#bytes += preamble.length;
    if (preamble.toString('latin1', 0, 8) !== STREAM_MAGIC) throw new StreamError('not a migration stream');
    const version = preamble.readUInt32BE(8);
    if (version !== STREAM_VERSION) {
      throw new StreamError(`unsupported migration stream version ${version} (supported: ${STREAM_VERSION})`);
    }
  }

  /** The next record, or undefined where the stream ends between two records. */
  async next(): Promise<IncomingRecord | undefined> {
    const header = this.#header;
    if (!(await this.#channel.readExactly(header))) return undefined;
    if (crc32(header.subarray(0, 12)) !== header.readUInt32BE(12)) {
      throw new StreamError(`corrupt record header at offset ${this.#bytes}`);
    }
    const offset = this.#bytes;
    const number = header.readUInt16BE(0);
    const type = recordTypeOf(number);
    if (type === undefined) throw new StreamError(`unknown record type ${number} at offset ${offset}`);
    if (type.from !== this.#from) {
      throw new StreamError(
        `unexpected ${type.name} record at offset ${offset}: only a ${type.from} sends it`,
      );
    }
    const length = header.readUInt32BE(4);
    if (length < type.minPayload || length > type.maxPayload) {
      throw new StreamError(
        `${type.name} record at offset ${offset} has an impossible length of ${length} bytes`,
      );
    }
    if (length > this.#payload.length) this.#payload = Buffer.alloc(length);
    const payload = this.#payload.subarray(0, length);
    if (length > 0) await this.#fill(payload, type);
    if ((length > 0 ? crc32(payload) : 0) !== header.readUInt32BE(8)) {
      throw new StreamError(`corrupt ${type.name} record at offset ${offset}`);
    }
    this.#bytes += RECORD_HEADER_BYTES + length;
    this.#records++;
    return { type, subject: header.readUInt16BE(2), payload };
  }

  /** Reads the bytes that follow a RAM_PAGES record straight into guest RAM. */
  async readPages(into: Uint8Array, type: StreamRecordType): Promise<void> {
    await this.#fill(into, type);
    this.#bytes += into.length;
  }

  async #fill(into: Uint8Array, type: StreamRecordType): Promise<void> {
    if (!(await this.#channel.readExactly(into))) {
      throw new DisconnectedError(`the stream ends inside a ${type.name} record at offset ${this.#bytes}`);
    }
  }
}
