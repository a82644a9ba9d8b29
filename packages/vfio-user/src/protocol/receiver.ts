import type { DescriptorStream, Native } from '@godwit/native';
import { ProtocolError } from './errors.js';
import { HEADER, HeaderFlag } from './messages.js';

/** A message as it came. Its payload is valid until {@link Receiver.release}; its descriptors belong to who takes them out of `fds`. */
export interface Message {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  readonly errno: number;
  readonly payload: Buffer;
  readonly fds: number[];
}

/** Descriptors of one message that are kept; the specification's peers send at most 16. */
const MAX_DESCRIPTORS = 16;

/** A payload of so many bytes is handed over with its buffer. */
const KEPT_WITHOUT_COPY = 64 * 1024;

const EMPTY = Buffer.alloc(0);

/**
 * Reads messages off a stream: exactly a header, then exactly its payload, so that descriptors stay with the message that
 * they came with even when messages are pipelined.
 */
export class Receiver {
  readonly #native: Native;
  readonly #stream: DescriptorStream;
  readonly #maxPayload: number;
  readonly #header = Buffer.alloc(HEADER.size);
  #headerBytes = 0;
  #fds: number[] = [];
  #payload: Buffer | undefined;
  #payloadBytes = 0;
  /** Receives payloads, and is lent to one message at a time. */
  #buffer: Buffer | undefined = Buffer.allocUnsafeSlow(4096);
  ended = false;

  constructor(native: Native, stream: DescriptorStream, maxPayload: number) {
    this.#native = native;
    this.#stream = stream;
    this.#maxPayload = maxPayload;
  }

  /** The next whole message; undefined where there is none yet, or the stream has ended. Throws {@link ProtocolError}. */
  next(): Message | undefined {
    if (this.#payload === undefined) {
      while (this.#headerBytes < HEADER.size) {
        const length = this.#stream.read(this.#header, this.#fds, this.#headerBytes, HEADER.size);
        if (length <= 0) return this.#stop(length);
        this.#headerBytes += length;
      }
      this.#payload = this.#room(this.#checkHeader());
    }
    const payload = this.#payload;
    while (this.#payloadBytes < payload.length) {
      const length = this.#stream.read(payload, this.#fds, this.#payloadBytes, payload.length);
      if (length <= 0) return this.#stop(length);
      this.#payloadBytes += length;
    }
    if (this.#fds.length > MAX_DESCRIPTORS) {
      throw new ProtocolError(`a message came with more than ${MAX_DESCRIPTORS} descriptors`);
    }
    const header = this.#header;
    const message = {
      id: header.readUInt16LE(0),
      command: header.readUInt16LE(2),
      flags: header.readUInt32LE(8),
      errno: header.readUInt32LE(12),
      payload,
      fds: this.#fds,
    };
    this.#headerBytes = 0;
    this.#payloadBytes = 0;
    this.#payload = undefined;
    if (this.#fds.length > 0) this.#fds = [];
    return message;
  }

  /** Ends the loan of a message's payload, and closes those of its descriptors that nobody took. */
  release(message: Message): void {
    for (const fd of message.fds.splice(0)) this.#native.close(fd);
    if (this.#buffer === undefined && message.payload.length > 0) {
      this.#buffer = Buffer.from(message.payload.buffer, 0, message.payload.buffer.byteLength);
    }
  }

  /** Ends the loan of a message's payload, whose bytes are returned for good. */
  keep(message: Message): Buffer {
    if (message.payload.length >= KEPT_WITHOUT_COPY) return message.payload;
    const copy = Buffer.from(message.payload);
    this.release(message);
    return copy;
  }

  /** Closes descriptors of a message that will never be whole. */
  close(): void {
    for (const fd of this.#fds.splice(0)) this.#native.close(fd);
  }

  #checkHeader(): number {
    const size = this.#header.readUInt32LE(4);
    const type = this.#header.readUInt32LE(8) & HeaderFlag.TYPE_MASK;
    if (size < HEADER.size) throw new ProtocolError(`a message says that it has ${size} bytes`);
    if (size - HEADER.size > this.#maxPayload) {
      throw new ProtocolError(
        `a message of ${size} bytes exceeds the limit of ${this.#maxPayload + HEADER.size}`,
      );
    }
    if (type !== HeaderFlag.COMMAND && type !== HeaderFlag.REPLY) {
      throw new ProtocolError(`a message has the unknown type ${type}`);
    }
    return size - HEADER.size;
  }

  #room(length: number): Buffer {
    if (length === 0) return EMPTY;
    let buffer = this.#buffer;
    this.#buffer = undefined;
    if (buffer === undefined || buffer.length < length)
      buffer = Buffer.allocUnsafeSlow(Math.max(length, 4096));
    return buffer.length === length ? buffer : buffer.subarray(0, length);
  }

  #stop(length: number): undefined {
    if (length < 0) return undefined;
    this.ended = true;
    if (this.#headerBytes > 0) throw new ProtocolError('the peer went away in the middle of a message');
    return undefined;
  }
}
