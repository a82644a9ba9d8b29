import { DescriptorStream, type Native } from '@godwit/native';
import type { Transport, TransportHandler } from '../transport.js';

/** Reads begin small, since most connections say little, and grow with what comes. */
const firstReceiveLength = 2 << 10;
const longestReceiveLength = 128 << 10;
/** A connection whose input does not end gives way to others after so many reads. */
const readsPerTurn = 8;

/** A connected socket, by its descriptor, which it owns. Over a unix socket other descriptors travel with the bytes. */
export class DescriptorTransport implements Transport {
  readonly carriesDescriptors = true;
  readonly #fd: number;
  readonly #native: Native;
  #stream: DescriptorStream | undefined;
  #handler: TransportHandler | undefined;
  #buffer = Buffer.allocUnsafe(firstReceiveLength);
  #paused = false;
  #destroyed = false;

  constructor(fd: number, native: Native) {
    this.#fd = fd;
    this.#native = native;
  }

  get writableLength(): number {
    return this.#stream?.writableLength ?? 0;
  }

  start(handler: TransportHandler): void {
    if (this.#destroyed) {
      queueMicrotask(() => handler.closed(undefined));
      return;
    }
    this.#handler = handler;
    this.#stream = new DescriptorStream(this.#native, this.#fd, {
      readable: () => this.#receive(),
      drain: () => handler.drain(),
      closed: (error) => handler.closed(error),
    });
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    return this.#started().write(bytes, fds);
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  end(): void {
    if (this.#stream === undefined) this.destroy();
    else this.#stream.end();
  }

  destroy(): void {
    if (this.#stream !== undefined) this.#stream.destroy();
    else if (!this.#destroyed) this.#native.close(this.#fd);
    this.#destroyed = true;
  }

  #started(): DescriptorStream {
    if (this.#stream === undefined) throw new Error('the transport is not started');
    return this.#stream;
  }

  #receive(): void {
    const stream = this.#started();
    for (let reads = 0; reads < readsPerTurn && !this.#paused; reads++) {
      const buffer = this.#buffer;
      const fds: number[] = [];
      const length = stream.read(buffer, fds);
      if (length === buffer.length && length < longestReceiveLength) {
        this.#buffer = Buffer.allocUnsafe(length * 4);
      }
      if (length === 0) this.#handler?.ended();
      if (length > 0) this.#handler?.data(buffer.subarray(0, length), fds);
      else for (const fd of fds) this.#native.close(fd);
      // A short read took all there was, unless it ended where descriptors begin.
      if (length < buffer.length && fds.length === 0) return;
    }
  }
}
