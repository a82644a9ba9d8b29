import type { Duplex, Readable, Writable } from 'node:stream';
import type { Channel, Medium } from '../ports.js';

/** The ends of a channel over streams of Node; either may be missing where nothing goes that way. */
export interface StreamEnds {
  readonly readable?: Readable;
  readonly writable?: Writable;
}

/**
 * A channel over streams of Node: TLS, an inherited descriptor, the standard input or output of a program. For plain
 * sockets {@link SocketChannel} is faster. Owns the streams.
 */
export class StreamChannel implements Channel {
  readonly medium: Medium;
  readonly oneWay?: true;
  readonly #readable: Readable | undefined;
  readonly #writable: Writable | undefined;
  readonly #streams: ReadonlySet<Readable | Writable>;
  #closed = false;
  #error: Error | undefined;
  #ended = false;
  #wake: () => void = () => {};

  constructor(ends: Duplex | StreamEnds, medium: Medium) {
    this.medium = medium;
    const duplex = 'pipe' in ends ? ends : undefined;
    this.#readable = duplex ?? (ends as StreamEnds).readable;
    this.#writable = duplex ?? (ends as StreamEnds).writable;
    if (this.#readable === undefined || this.#writable === undefined) this.oneWay = true;
    this.#streams = new Set(
      [this.#readable, this.#writable].filter(
        (stream): stream is Readable | Writable => stream !== undefined,
      ),
    );
    const fail = (error: Error) => {
      this.#error ??= error;
      this.#wake();
    };
    for (const stream of this.#streams) stream.on('error', fail);
    this.#readable?.on('readable', () => this.#wake());
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.#readable?.on('end', end);
    this.#readable?.on('close', end);
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    const writable = this.#writable;
    return new Promise((resolve, reject) => {
      if (writable === undefined || this.#closed || writable.destroyed || !writable.writable) {
        reject(this.#error ?? new Error('the channel is closed'));
        return;
      }
      writable.cork();
      const last = chunks.length - 1;
      chunks.forEach((chunk, index) => {
        if (index < last) {
          writable.write(chunk);
          return;
        }
        writable.write(chunk, (error) => {
          const reason =
            this.#error ?? error ?? (this.#closed ? new Error('the channel is closed') : undefined);
          if (reason) reject(reason);
          else resolve();
        });
      });
      if (last < 0) resolve();
      writable.uncork();
    });
  }

  async readExactly(into: Uint8Array): Promise<boolean> {
    const readable = this.#readable;
    if (readable === undefined) throw new Error('nothing comes back on this channel');
    let filled = 0;
    while (filled < into.length) {
      if (this.#closed) throw new Error('the channel is closed');
      const wanted = into.length - filled;
      const available = Math.min(wanted, readable.readableLength);
      const chunk: Buffer | null = available > 0 ? readable.read(available) : readable.read(0);
      if (chunk !== null && chunk.length > 0) {
        into.set(chunk, filled);
        filled += chunk.length;
        continue;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) {
        if (filled === 0) return false;
        throw new Error('the stream ended in the middle of a message');
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return true;
  }

  /** Ends the writing direction; resolves when all of it was taken. */
  finish(): Promise<void> {
    const writable = this.#writable;
    if (writable === undefined) return Promise.resolve();
    return new Promise((resolve, reject) => {
      writable.once('error', reject);
      writable.end(() => resolve());
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams) stream.destroy();
    this.#wake();
  }
}
