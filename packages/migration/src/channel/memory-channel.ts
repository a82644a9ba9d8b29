import type { Clock, Timer } from '@godwit/clock';
import type { Channel } from '../ports.js';

export interface MemoryChannelOptions {
  /** Time and speed of the line; without them a write only costs a turn of the event loop. */
  readonly clock?: Clock;
  /** Bytes per second in each direction. */
  readonly bytesPerSecond?: number;
  /** Bytes that may be under way in each direction before a write waits. */
  readonly capacity?: number;
}

/** Two channels that are connected to each other inside one process. */
export function memoryChannelPair(options: MemoryChannelOptions = {}): [Channel, Channel] {
  const forward = new Pipe(options);
  const backward = new Pipe(options);
  return [new MemoryChannel(backward, forward), new MemoryChannel(forward, backward)];
}

class MemoryChannel implements Channel {
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;

  constructor(incoming: Pipe, outgoing: Pipe) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#outgoing.write(chunks);
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#incoming.readExactly(into);
  }

  close(): void {
    this.#outgoing.end();
    this.#incoming.abandon();
  }
}

/** One direction. The bytes are copied when they are written, as a kernel would. */
class Pipe {
  readonly #options: MemoryChannelOptions;
  readonly #queue: Buffer[] = [];
  readonly #capacity: number;
  #queued = 0;
  /** The writer is done; what is queued can still be read. */
  #ended = false;
  /** The reader is gone; nothing can be written or read any more. */
  #abandoned = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;
  #transmission: Timer | undefined;

  constructor(options: MemoryChannelOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? 256 << 10;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.#checkWritable();
      this.#queue.push(Buffer.from(chunk));
      this.#queued += chunk.length;
      this.#wakeReader?.();
      const { clock, bytesPerSecond } = this.#options;
      if (clock !== undefined && bytesPerSecond !== undefined) {
        await this.#transmit(clock, (chunk.length / bytesPerSecond) * 1000);
      }
      while (this.#queued > this.#capacity && !this.#abandoned && !this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wakeWriter = resolve;
        });
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
    // A reader that has read everything and closed has broken nothing.
    if (this.#queued > 0) this.#checkWritable();
  }

  async readExactly(into: Uint8Array): Promise<boolean> {
    let filled = 0;
    while (filled < into.length) {
      if (this.#abandoned) throw new Error('the channel is closed');
      const head = this.#queue[0];
      if (head === undefined) {
        if (this.#ended) {
          if (filled === 0) return false;
          throw new Error('the channel ended in the middle of a message');
        }
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
        continue;
      }
      const length = Math.min(head.length, into.length - filled);
      into.set(head.subarray(0, length), filled);
      filled += length;
      this.#queued -= length;
      if (length === head.length) this.#queue.shift();
      else this.#queue[0] = head.subarray(length);
      if (this.#transmission === undefined) this.#wakeWriter?.();
    }
    return true;
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader?.();
    this.#stopWriter();
  }

  abandon(): void {
    this.#abandoned = true;
    this.#queue.length = 0;
    this.#wakeReader?.();
    this.#stopWriter();
  }

  /** Takes the time that the line needs; a line that is closed needs none. */
  async #transmit(clock: Clock, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
      this.#transmission = clock.setTimer(resolve, ms);
    });
    this.#transmission = undefined;
    this.#checkWritable();
  }

  #stopWriter(): void {
    this.#transmission?.cancel();
    this.#wakeWriter?.();
  }

  #checkWritable(): void {
    if (this.#ended) throw new Error('the channel is closed');
    if (this.#abandoned) throw new Error('the other side closed the channel');
  }
}
