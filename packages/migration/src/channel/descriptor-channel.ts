import type { Native, Poll } from '@godwit/native';
import type { Channel } from '../ports.js';

/**
 * Room asked for between the two sides. With the kernel's default (208 KiB) each side sleeps some thousand times for every
 * GiB; much more than this, and the bytes have left the cache when they are read.
 */
const SEND_BUFFER_BYTES = 512 << 10;
/** After so many bytes, or calls, without having waited for the socket, everybody else gets a turn of the event loop. */
const TURN_BYTES = 4 << 20;
const TURN_CALLS = 32;

const MAX_CHUNKS_PER_CALL = 64;

/**
 * A channel over the descriptor of a connected stream socket, non-blocking, by the calls of the addon: pages go from the
 * mapped memory into the socket and from the socket into the mapped memory, with nothing in between. Owns the descriptor.
 */
export class DescriptorChannel implements Channel {
  readonly medium = 'socket';
  readonly #native: Native;
  readonly #fd: number;
  readonly #poll: Poll;
  /** Descriptors that came with the bytes; a migration sends none. */
  readonly #strays: number[] = [];
  #closed = false;
  #bytes = 0;
  #calls = 0;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(native: Native, fd: number) {
    this.#native = native;
    this.#fd = fd;
    native.setSendBuffer(fd, SEND_BUFFER_BYTES);
    this.#poll = native.poll(fd, (readable, writable, hangup) => {
      if (readable || hangup) this.#wake('reader');
      if (writable || hangup) this.#wake('writer');
      this.#watch();
    });
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    let first = 0;
    let offset = 0;
    while (first < chunks.length) {
      if (this.#closed) throw new Error('the connection is closed');
      const batch = chunks.slice(first, first + MAX_CHUNKS_PER_CALL);
      if (offset > 0) batch[0] = batch[0]!.subarray(offset);
      let sent = this.#native.sendmsg(this.#fd, batch, []);
      if (sent === 0) {
        await this.#writable();
        continue;
      }
      this.#bytes += sent;
      for (; first < chunks.length && sent >= chunks[first]!.length - offset; first++) {
        sent -= chunks[first]!.length - offset;
        offset = 0;
      }
      offset += sent;
    }
    await this.#takeTurns();
  }

  async readExactly(into: Uint8Array): Promise<boolean> {
    let filled = 0;
    while (filled < into.length) {
      if (this.#closed) throw new Error('the connection is closed');
      const length = this.#native.receive(this.#fd, into, filled, into.length, this.#strays);
      for (const stray of this.#strays.splice(0)) this.#native.close(stray);
      if (length === -1) {
        await this.#readable();
      } else if (length === 0) {
        if (filled === 0) return false;
        throw new Error('the connection ended in the middle of a message');
      } else {
        filled += length;
        this.#bytes += length;
      }
    }
    await this.#takeTurns();
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    this.#native.close(this.#fd);
    this.#wake('reader');
    this.#wake('writer');
  }

  #readable(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
      this.#watch();
    });
  }

  #writable(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
      this.#watch();
    });
  }

  #wake(side: 'reader' | 'writer'): void {
    const wake = side === 'reader' ? this.#wakeReader : this.#wakeWriter;
    if (side === 'reader') this.#wakeReader = undefined;
    else this.#wakeWriter = undefined;
    this.#bytes = 0;
    this.#calls = 0;
    wake?.();
  }

  #watch(): void {
    if (this.#closed) return;
    this.#poll.watch({
      readable: this.#wakeReader !== undefined,
      writable: this.#wakeWriter !== undefined,
    });
  }

  /** Where the other side keeps up, a whole migration would otherwise run without the event loop turning once. */
  async #takeTurns(): Promise<void> {
    if (this.#bytes < TURN_BYTES && ++this.#calls < TURN_CALLS) return;
    this.#bytes = 0;
    this.#calls = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
