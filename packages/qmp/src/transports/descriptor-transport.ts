import type { Native, Poll } from '@godwit/native';
import type { Transport, TransportHandler } from '../transport.js';

interface QueuedWrite {
  readonly bytes: Uint8Array;
  offset: number;
  /** Go with the first byte; empty once they have. */
  fds: readonly number[];
}

const receiveLength = 64 << 10;
/** What `sendmsg` is given at once. */
const longestVector = 64;
/** From here on a writer is told to wait. */
const highWater = 256 << 10;
/** A connection whose input does not end gives way to others after so many reads. */
const readsPerTurn = 8;

/** A unix socket, by its descriptor, which it owns. Other descriptors travel with the bytes. */
export class DescriptorTransport implements Transport {
  readonly carriesDescriptors = true;
  readonly #fd: number;
  readonly #native: Native;
  readonly #buffer = Buffer.allocUnsafeSlow(receiveLength);
  readonly #queue: QueuedWrite[] = [];
  #queuedLength = 0;
  #poll: Poll | undefined;
  #handler: TransportHandler | undefined;
  #paused = false;
  #peerEnded = false;
  #needsDrain = false;
  #ending = false;
  #closed = false;
  #watching = 0;

  constructor(fd: number, native: Native) {
    this.#fd = fd;
    this.#native = native;
  }

  get writableLength(): number {
    return this.#queuedLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#poll = this.#native.poll(this.#fd, (readable, writable, hangup) => {
      if (writable) this.#send();
      // A hangup is found out by reading, after the bytes that are still there.
      if (readable || hangup) this.#receive();
    });
    this.#watch();
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (this.#closed || this.#ending) {
      for (const fd of fds) this.#native.close(fd);
      return true;
    }
    if (bytes.length === 0) {
      if (fds.length > 0) throw new RangeError('descriptors need a byte to go with');
      return !this.#needsDrain;
    }
    this.#queue.push({ bytes, offset: 0, fds: [...fds] });
    this.#queuedLength += bytes.length;
    if (this.#queue.length === 1) this.#send();
    if (this.#queuedLength >= highWater) this.#needsDrain = true;
    return !this.#needsDrain;
  }

  pause(): void {
    this.#paused = true;
    this.#watch();
  }

  resume(): void {
    this.#paused = false;
    this.#watch();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (this.#queue.length === 0) this.destroy();
  }

  destroy(): void {
    this.#close(undefined);
  }

  #watch(): void {
    if (this.#poll === undefined || this.#closed) return;
    const readable = !this.#paused && !this.#peerEnded;
    const writable = this.#queue.length > 0;
    const watching = (readable ? 1 : 0) | (writable ? 2 : 0);
    if (watching === this.#watching) return;
    this.#watching = watching;
    this.#poll.watch({ readable, writable });
  }

  #receive(): void {
    try {
      for (let reads = 0; reads < readsPerTurn; reads++) {
        if (this.#paused || this.#peerEnded || this.#closed) return;
        const { length, fds } = this.#native.recvmsg(this.#fd, this.#buffer);
        if (length < 0) return;
        if (length === 0) {
          for (const fd of fds) this.#native.close(fd);
          this.#peerEnded = true;
          this.#watch();
          this.#handler?.ended();
          return;
        }
        this.#handler?.data(this.#buffer.subarray(0, length), fds);
        // A short read took all there was, unless it ended where descriptors begin or end.
        if (length < this.#buffer.length && fds.length === 0) return;
      }
    } catch (error) {
      this.#close(error as Error);
    }
  }

  #send(): void {
    try {
      while (this.#queue.length > 0 && this.#sendSome()) {
        // Everything that the socket takes.
      }
    } catch (error) {
      this.#close(error as Error);
      return;
    }
    this.#watch();
    if (this.#queue.length > 0 || this.#closed) return;
    if (this.#ending) this.destroy();
    else if (this.#needsDrain) {
      this.#needsDrain = false;
      this.#handler?.drain();
    }
  }

  /** One `sendmsg`, of as many writes as may go together; returns whether it took anything. */
  #sendSome(): boolean {
    const first = this.#queue[0]!;
    const chunks: Uint8Array[] = [];
    for (const write of this.#queue) {
      // Descriptors belong to the first byte of a call, so that a write with some begins one.
      if (write !== first && (write.fds.length > 0 || chunks.length === longestVector)) break;
      chunks.push(write.offset === 0 ? write.bytes : write.bytes.subarray(write.offset));
    }
    let sent = this.#native.sendmsg(this.#fd, chunks, first.fds);
    if (sent === 0) return false;
    for (const fd of first.fds) this.#native.close(fd);
    first.fds = [];
    this.#queuedLength -= sent;
    while (sent > 0) {
      const write = this.#queue[0]!;
      const left = write.bytes.length - write.offset;
      if (sent < left) {
        write.offset += sent;
        return true;
      }
      sent -= left;
      this.#queue.shift();
    }
    return true;
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll?.close();
    for (const { fds } of this.#queue) for (const fd of fds) this.#native.close(fd);
    this.#queue.length = 0;
    this.#queuedLength = 0;
    this.#native.close(this.#fd);
    const handler = this.#handler;
    if (handler !== undefined) queueMicrotask(() => handler.closed(error));
  }
}
