import { crc32 } from 'node:zlib';
import { VfioError } from '../error.js';
import { BlockSet } from './block-set.js';
import {
  HELLO_SIZE,
  helloMismatch,
  MAX_RECORD_BLOCKS,
  RECORD_HEAD_SIZE,
  RECORD_TRAILER_SIZE,
  RecordType,
  type StreamIdentity,
} from './record.js';

/** The record that is coming in. */
interface IncomingRecord {
  readonly type: number;
  /** Where the payload goes: the device's memory for blocks, a buffer of its own otherwise. */
  readonly payload: Uint8Array;
}

/** Takes a stream of {@link SavingStream} in pieces of any size and puts it into the memory of a stopped device. */
export class ResumingStream {
  readonly #memory: Uint8Array;
  readonly #identity: StreamIdentity;
  readonly #registersSize: number;
  readonly #missing: BlockSet;
  readonly #head = new Uint8Array(RECORD_HEAD_SIZE);
  readonly #trailer = new Uint8Array(RECORD_TRAILER_SIZE);
  #record: IncomingRecord | undefined;
  /** Bytes of the current record that have come. */
  #position = 0;
  #crc = 0;
  #sequence = 0;
  #received = 0;
  #greeted = false;
  #registers: Uint8Array | undefined;
  #ended = false;
  #failure: VfioError | undefined;

  constructor(memory: Uint8Array, identity: StreamIdentity, registersSize: number) {
    this.#memory = memory;
    this.#identity = identity;
    this.#registersSize = registersSize;
    this.#missing = new BlockSet(identity.blocks);
    this.#missing.addAll();
  }

  /** EINVAL where the stream is not one of this device's; from then on every call says so again. */
  write(from: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    let taken = 0;
    while (taken < from.length) {
      if (this.#ended) throw this.#fail('data after the end');
      taken += this.#take(from, taken);
    }
  }

  /** The registers of a complete stream; EINVAL where it was rejected or is truncated. */
  finish(): Uint8Array {
    if (this.#failure !== undefined) throw this.#failure;
    if (!this.#ended || this.#registers === undefined) throw this.#fail('truncated');
    return this.#registers;
  }

  #take(from: Uint8Array, at: number): number {
    const payloadEnd = RECORD_HEAD_SIZE + (this.#record?.payload.length ?? 0);
    const [part, start] =
      this.#record === undefined
        ? [this.#head, 0]
        : this.#position < payloadEnd
          ? [this.#record.payload, RECORD_HEAD_SIZE]
          : [this.#trailer, payloadEnd];
    const offset = this.#position - start;
    const length = Math.min(part.length - offset, from.length - at);
    const piece = from.subarray(at, at + length);
    part.set(piece, offset);
    if (part !== this.#trailer) this.#crc = crc32(piece, this.#crc);
    this.#position += length;
    this.#received += length;
    if (offset + length === part.length) {
      if (part === this.#head) this.#record = this.#open();
      else if (part === this.#trailer && this.#record !== undefined) this.#close(this.#record);
    }
    return length;
  }

  #open(): IncomingRecord {
    const view = new DataView(this.#head.buffer);
    const type = view.getUint32(0, true);
    const sequence = view.getUint32(4, true);
    const first = view.getUint32(8, true);
    const length = view.getUint32(12, true);
    if (sequence !== this.#sequence) throw this.#fail(`record ${sequence} where ${this.#sequence} was due`);
    if (!this.#greeted && type !== RecordType.HELLO) throw this.#fail('not a device stream (no header)');
    switch (type) {
      case RecordType.HELLO:
        return { type, payload: this.#buffer('header', length, HELLO_SIZE) };
      case RecordType.REGISTERS:
        return { type, payload: this.#buffer('registers', length, this.#registersSize) };
      case RecordType.END:
        return { type, payload: this.#buffer('end', length, 0) };
      case RecordType.BLOCKS:
        return { type, payload: this.#blocks(first, length) };
      default:
        throw this.#fail(`unknown record type ${type}`);
    }
  }

  #buffer(what: string, length: number, expected: number): Uint8Array {
    if (length !== expected) throw this.#fail(`${what} record of ${length} bytes instead of ${expected}`);
    return new Uint8Array(length);
  }

  #blocks(first: number, length: number): Uint8Array {
    const { blockSize, blocks } = this.#identity;
    const count = length / blockSize;
    if (!Number.isInteger(count) || count < 1 || count > MAX_RECORD_BLOCKS || first + count > blocks) {
      throw this.#fail(`block record of ${length} bytes at block ${first} of ${blocks}`);
    }
    return this.#memory.subarray(first * blockSize, first * blockSize + length);
  }

  #close(record: IncomingRecord): void {
    const sent = new DataView(this.#trailer.buffer).getUint32(0, true);
    if (sent !== this.#crc) throw this.#fail(`checksum of record ${this.#sequence} is wrong`);
    switch (record.type) {
      case RecordType.HELLO: {
        if (this.#greeted) throw this.#fail('second header');
        const mismatch = helloMismatch(record.payload, this.#identity);
        if (mismatch !== undefined) throw this.#fail(mismatch);
        this.#greeted = true;
        break;
      }
      case RecordType.BLOCKS: {
        const { blockSize } = this.#identity;
        const first = (record.payload.byteOffset - this.#memory.byteOffset) / blockSize;
        const end = first + record.payload.length / blockSize;
        for (let block = first; block < end; block++) this.#missing.delete(block);
        break;
      }
      case RecordType.REGISTERS:
        if (this.#registers !== undefined) throw this.#fail('second registers record');
        this.#registers = record.payload;
        break;
      case RecordType.END:
        if (this.#missing.count > 0) throw this.#fail(`${this.#missing.count} blocks are missing`);
        if (this.#registers === undefined) throw this.#fail('the registers are missing');
        this.#ended = true;
        break;
    }
    this.#record = undefined;
    this.#position = 0;
    this.#crc = 0;
    this.#sequence++;
  }

  #fail(reason: string): VfioError {
    this.#failure ??= new VfioError(
      'EINVAL',
      `device stream rejected after ${this.#received} bytes: ${reason}`,
    );
    return this.#failure;
  }
}
