import type { DescriptorStream } from '@godwit/native';
import { HEADER } from './messages.js';

/** The fields of a header, but for the size. */
export interface Header {
  readonly id: number;
  readonly command: number;
  /** Of `HeaderFlag`. */
  readonly flags: number;
  readonly errno: number;
}

/** Bytes of messages that go out together. */
const BATCH = 64 * 1024;
/** A last part of a message that is at least so long is sent without a copy. */
const SENT_WITHOUT_COPY = 32 * 1024;

const NO_FDS: readonly number[] = [];

/** Puts messages on a stream: small ones, where they are batched, with one call. */
export class Sender {
  /** What is sent waits for {@link flush}, as far as there is room. */
  batching = false;
  readonly #stream: DescriptorStream;
  /** Messages on their way out; the first {@link #batched} bytes are still to be given to the stream. */
  #outgoing = Buffer.allocUnsafeSlow(BATCH);
  #batched = 0;

  constructor(stream: DescriptorStream) {
    this.#stream = stream;
  }

  /** Sends a message; descriptors go with its first byte. Parts of 32 KiB or more must not change until they are sent. */
  send(header: Header, payload: readonly Uint8Array[], fds: readonly number[] = NO_FDS): void {
    let size = HEADER.size;
    for (const part of payload) size += part.length;
    // A large last part goes out of its own memory.
    const last = payload.at(-1);
    const large =
      last !== undefined && last.length >= SENT_WITHOUT_COPY && fds.length === 0 ? last : undefined;
    const bytes = this.#room(size - (large?.length ?? 0));
    let at = this.#batched;
    bytes.writeUInt16LE(header.id, at);
    bytes.writeUInt16LE(header.command, at + 2);
    bytes.writeUInt32LE(size, at + 4);
    bytes.writeUInt32LE(header.flags, at + 8);
    bytes.writeUInt32LE(header.errno, at + 12);
    at += HEADER.size;
    for (const part of payload) {
      if (part === large) break;
      bytes.set(part, at);
      at += part.length;
    }
    if (large !== undefined) {
      this.#batched = at;
      this.flush();
      this.#stream.write(large);
      return;
    }
    if (fds.length > 0) {
      const start = this.#batched;
      this.flush();
      this.#stream.write(bytes.subarray(start, at), fds);
      this.#leaveUnsent();
      return;
    }
    this.#batched = at;
    if (!this.batching) this.flush();
  }

  /** Gives what is batched to the stream. */
  flush(): void {
    if (this.#batched === 0) return;
    const bytes = this.#outgoing.subarray(0, this.#batched);
    this.#batched = 0;
    this.#stream.write(bytes);
    this.#leaveUnsent();
  }

  /** A buffer with room for `size` bytes behind what is batched in it. */
  #room(size: number): Buffer {
    if (this.#batched + size > this.#outgoing.length) {
      this.flush();
      if (size > this.#outgoing.length) this.#outgoing = Buffer.allocUnsafeSlow(size);
    }
    return this.#outgoing;
  }

  /** What the socket has not taken keeps its buffer. */
  #leaveUnsent(): void {
    if (this.#stream.writableLength > 0) this.#outgoing = Buffer.allocUnsafeSlow(BATCH);
  }
}
