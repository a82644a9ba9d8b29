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
  readonly carriesDescriptors: boolean;
  /** The one descriptor that is kept for who asks for it. */
  #descriptor: number | undefined;
  readonly #received: number[] = [];
  #closed = false;
  #bytes = 0;
  #calls = 0;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param carriesDescriptors whether it is a unix socket */
  constructor(native: Native, fd: number, carriesDescriptors = false) {
    this.#native = native;
    this.#fd = fd;
    this.carriesDescriptors = carriesDescriptors;
    native.setSendBuffer(fd, SEND_BUFFER_BYTES);
    this.#poll = native.poll(fd, (readable, writable, hangup) => {
      if (readable || hangup) this.#wake('reader');
      if (writable || hangup) this.#wake('writer');
      this.#watch();
    });
  }

  async write(chunks: readonly Uint8Array[], descriptor?: number): Promise<void> {
    let first = 0;
    let offset = 0;
    let attached = descriptor === undefined ? [] : [descriptor];
    while (first < chunks.length) {
      if (this.#closed) throw new Error('the connection is closed');
      const batch = chunks.slice(first, first + MAX_CHUNKS_PER_CALL);
      if (offset > 0) batch[0] = batch[0]!.subarray(offset);
      let sent = this.#native.sendmsg(this.#fd, batch, attached);
      if (sent === 0) {
        await this.#writable();
        continue;
      }
      attached = [];
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
      const length = this.#receive(into, filled);
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

  takeDescriptor(): number | undefined {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    return descriptor;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const untaken = this.takeDescriptor();
    if (untaken !== undefined) this.#native.close(untaken);
    this.#poll.close();
    this.#native.close(this.#fd);
    this.#wake('reader');
    this.#wake('writer');
  }

  #receive(into: Uint8Array, start: number): number {
    try {
      return this.#native.receive(this.#fd, into, start, into.length, this.#received);
    } finally {
      // Too many of them are an error, and nobody's all the same.
      if (this.#received.length > 0) this.#keepOne();
    }
  }

  #keepOne(): void {
    for (const descriptor of this.#received.splice(0)) {
      if (this.#descriptor === undefined) this.#descriptor = descriptor;
      else this.#native.close(descriptor);
    }
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
