import type { Transport, TransportHandler } from './transport.js';

export interface MemoryTransportOptions {
  /** Called with descriptors that were written and never delivered; without it the pair carries none. */
  readonly closeDescriptor?: (fd: number) => void;
  /** Bytes on their way to a peer that does not read at which `write` returns false. */
  readonly highWater?: number;
}

/** Two transports, connected to each other within the process. What one writes the other receives in a later microtask. */
export function createMemoryTransports(
  options: MemoryTransportOptions = {},
): [MemoryTransport, MemoryTransport] {
  const a = new MemoryTransport(options);
  const b = new MemoryTransport(options);
  a.connect(b);
  b.connect(a);
  return [a, b];
}

interface Chunk {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

export class MemoryTransport implements Transport {
  readonly carriesDescriptors: boolean;
  readonly #closeDescriptor: ((fd: number) => void) | undefined;
  readonly #highWater: number;
  #peer!: MemoryTransport;
  #handler: TransportHandler | undefined;
  #inbox: Chunk[] = [];
  #inboxLength = 0;
  #peerEnded = false;
  #finished = false;
  #ending = false;
  #paused = false;
  #scheduled = false;
  #needsDrain = false;
  #closed = false;

  constructor(options: MemoryTransportOptions) {
    this.carriesDescriptors = options.closeDescriptor !== undefined;
    this.#closeDescriptor = options.closeDescriptor;
    this.#highWater = options.highWater ?? 64 << 10;
  }

  connect(peer: MemoryTransport): void {
    this.#peer = peer;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#schedule();
  }

  get writableLength(): number {
    return this.#peer.#inboxLength;
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (this.#closed || this.#finished || this.#peer.#closed) {
      for (const fd of fds) this.#closeDescriptor?.(fd);
      return true;
    }
    this.#peer.#inbox.push({ bytes, fds });
    this.#peer.#inboxLength += bytes.length;
    this.#peer.#schedule();
    this.#needsDrain = this.writableLength >= this.#highWater;
    return !this.#needsDrain;
  }

  pause(): void {
    this.#paused = true;
    if (this.#peer.#closed) this.#tellHangup();
  }

  resume(): void {
    this.#paused = false;
    this.#schedule();
  }

  /** Sends no more and still receives: half a close, as shutdown(SHUT_WR) on a socket. */
  finish(): void {
    this.#finished = true;
    this.#peer.#peerEnded = true;
    this.#peer.#schedule();
  }

  end(): void {
    if (this.#closed || this.#ending) return;
    this.#ending = true;
    this.finish();
    if (this.writableLength === 0) this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { fds } of this.#inbox) for (const fd of fds) this.#closeDescriptor?.(fd);
    this.#inbox = [];
    this.#inboxLength = 0;
    this.#peer.#peerEnded = true;
    this.#peer.#schedule();
    this.#peer.#tellHangup();
    queueMicrotask(() => this.#handler?.closed(undefined));
  }

  #tellHangup(): void {
    queueMicrotask(() => {
      if (this.#paused && !this.#closed) this.#handler?.hungUp?.();
    });
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#handler !== undefined && !this.#closed && !this.#paused) {
      const chunk = this.#inbox.shift();
      if (chunk === undefined) {
        if (this.#peerEnded) {
          this.#peerEnded = false;
          this.#handler.ended();
        }
        return;
      }
      this.#inboxLength -= chunk.bytes.length;
      this.#handler.data(chunk.bytes, chunk.fds);
      if (this.#inboxLength === 0) this.#peer.#taken();
    }
  }

  /** The peer has taken everything. */
  #taken(): void {
    if (this.#needsDrain) {
      this.#needsDrain = false;
      this.#handler?.drain();
    }
    if (this.#ending) this.destroy();
  }
}
