import { closeSync } from 'node:fs';
import type { Transport, TransportHandler } from '@godwit/qmp';
import { WrappedTransport } from './wrapped-transport.js';

/** So many bytes of a client are taken before somebody uses the device; a client that says more waits. */
const ROOM = 1 << 16;

interface Piece {
  readonly bytes: Uint8Array;
  readonly fds: readonly number[];
}

/**
 * The connection of a device that nobody uses yet. It is read, so that its end is noticed; what came is kept for whoever
 * uses the device first.
 */
export class HeldConnection extends WrappedTransport {
  readonly #kept: Piece[] = [];
  #bytes = 0;
  #handler: TransportHandler | undefined;
  #paused = false;
  #closed = false;

  /** @param onEnd the client is gone before anybody used the device */
  constructor(inner: Transport, onEnd: () => void) {
    super(inner);
    inner.start({
      data: (bytes, fds) => this.#take(bytes, fds),
      drain: () => this.#handler?.drain(),
      ended: () => (this.#handler === undefined ? this.destroy() : this.#handler.ended()),
      hungUp: () => (this.#handler === undefined ? this.destroy() : this.#handler.hungUp?.()),
      closed: (error) => {
        this.#closed = true;
        if (this.#handler === undefined) onEnd();
        else this.#handler.closed(error);
      },
    });
  }

  override start(handler: TransportHandler): void {
    this.#handler = handler;
    if (this.#closed) queueMicrotask(() => handler.closed(undefined));
    else this.#handOver();
  }

  override pause(): void {
    this.#paused = true;
    super.pause();
  }

  override resume(): void {
    this.#paused = false;
    this.#handOver();
  }

  override destroy(): void {
    for (const { fds } of this.#kept.splice(0)) for (const fd of fds) closeSync(fd);
    super.destroy();
  }

  #take(bytes: Uint8Array, fds: readonly number[]): void {
    if (this.#handler !== undefined && this.#kept.length === 0) {
      this.#handler.data(bytes, fds);
      return;
    }
    this.#kept.push({ bytes: Uint8Array.from(bytes), fds });
    this.#bytes += bytes.length;
    if (this.#bytes >= ROOM) this.inner.pause();
  }

  /** What was kept comes first; then the connection goes on. */
  #handOver(): void {
    while (!this.#paused && this.#kept.length > 0) {
      const { bytes, fds } = this.#kept.shift()!;
      this.#bytes -= bytes.length;
      this.#handler?.data(bytes, fds);
    }
    if (!this.#paused) super.resume();
  }
}
