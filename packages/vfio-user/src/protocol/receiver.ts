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

/** A payload of so many bytes is handed over with its buffer, which {@link Receiver.recycle} takes back. */
const KEPT_WITHOUT_COPY = 64 * 1024;

const EMPTY = Buffer.alloc(0);

/** The header and the shortest payload of a message that can carry descriptors: what the first read asks for. */
const HEAD_SIZE = 32;

/**
 * Reads messages off a stream so that descriptors stay with the message that they came with, even when messages are
 * pipelined: first 32 bytes, then exactly the rest of the message. A message that is shorter than 32 bytes carries no
 * descriptors, so those that come with bytes beyond it are those of the next message.
 */
export class Receiver {
  readonly #native: Native;
  readonly #stream: DescriptorStream;
  readonly #maxPayload: number;
  readonly #head = Buffer.alloc(HEAD_SIZE);
  #headBytes = 0;
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

  /** Bytes of another message are here already, so that the socket may have nothing more to tell of. */
  get buffered(): boolean {
    return this.#headBytes > 0 && this.#payload === undefined && !this.ended;
  }

  /**
   * The next whole message; undefined where there is none yet, or the stream has ended. Throws {@link ProtocolError}.
   * @param waitMicroseconds how long to block the thread for its first byte
   */
  next(waitMicroseconds = 0): Message | undefined {
    const payload = this.#payload ?? this.#begin(waitMicroseconds);
    if (payload === undefined) return undefined;
    while (this.#payloadBytes < payload.length) {
      const length = this.#stream.read(payload, this.#fds, this.#payloadBytes, payload.length);
      if (length <= 0) return this.#stop(length);
      this.#payloadBytes += length;
    }
    if (this.#fds.length > MAX_DESCRIPTORS) {
      throw new ProtocolError(`a message came with more than ${MAX_DESCRIPTORS} descriptors`);
    }
    const head = this.#head;
    const ownFds = this.#headBytes <= HEADER.size + payload.length;
    const message = {
      id: head.readUInt16LE(0),
      command: head.readUInt16LE(2),
      flags: head.readUInt32LE(8),
      errno: head.readUInt32LE(12),
      payload,
      fds: ownFds ? this.#fds : [],
    };
    if (ownFds && this.#fds.length > 0) this.#fds = [];
    // What is left of the head begins the next message.
    head.copyWithin(0, HEADER.size + payload.length, this.#headBytes);
    this.#headBytes = Math.max(0, this.#headBytes - HEADER.size - payload.length);
    this.#payload = undefined;
    return message;
  }

  /** Reads a header and what comes with it; the payload's buffer, or undefined where the header is not all there. */
  #begin(waitMicroseconds: number): Buffer | undefined {
    while (this.#headBytes < HEADER.size) {
      const wait = this.#headBytes === 0 ? waitMicroseconds : 0;
      const length = this.#stream.read(this.#head, this.#fds, this.#headBytes, HEAD_SIZE, wait);
      if (length <= 0) return this.#stop(length);
      this.#headBytes += length;
    }
    const payload = this.#room(this.#checkHeader());
    this.#payloadBytes = this.#head.copy(payload, 0, HEADER.size, this.#headBytes);
    this.#payload = payload;
    return payload;
  }

  /** Ends the loan of a message's payload, and closes those of its descriptors that nobody took. */
  release(message: Message): void {
    for (const fd of message.fds.splice(0)) this.#native.close(fd);
    if (message.payload.length > 0) this.#takeBack(message.payload);
  }

  /** Takes back what {@link keep} returned, whose bytes are no longer needed: to allocate anew costs more than to receive. */
  recycle(payload: Buffer): void {
    if (payload.length >= KEPT_WITHOUT_COPY) this.#takeBack(payload);
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
    const size = this.#head.readUInt32LE(4);
    const type = this.#head.readUInt32LE(8) & HeaderFlag.TYPE_MASK;
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

  #takeBack({ buffer }: Buffer): void {
    if (this.#buffer === undefined || this.#buffer.length < buffer.byteLength) {
      this.#buffer = Buffer.from(buffer, 0, buffer.byteLength);
    }
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
    if (this.#headBytes > 0) throw new ProtocolError('the peer went away in the middle of a message');
    return undefined;
  }
}
