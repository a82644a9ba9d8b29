import { closeSync, readSync, writeSync } from 'node:fs';
import type { Clock, Timer } from '@godwit/clock';
import type { Native, Poll } from '@godwit/native';
import type { Connectable, Transport, TransportHandler } from '@godwit/qmp';

/** How often it is looked whether somebody has opened the other side, in milliseconds. */
const LOOK_MS = 1000;
const PIECE = 4096;

export interface TerminalOptions {
  readonly clock: Clock;
  readonly native: Native;
  /** Who is told of a client; one after the other. */
  readonly connectable: Connectable;
}

/** A pseudo terminal (-chardev pty): whoever opens its path is the client, until it is closed again. */
export class Terminal {
  /** What a client opens. */
  readonly path: string;
  readonly #fd: number;
  readonly #options: TerminalOptions;
  #timer: Timer | undefined;
  #transport: TerminalTransport | undefined;
  #closed = false;

  constructor(options: TerminalOptions) {
    const { fd, path } = options.native.openTerminal();
    this.path = path;
    this.#fd = fd;
    this.#options = options;
    this.#look();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#transport?.destroy();
    closeSync(this.#fd);
  }

  #look(): void {
    if (this.#closed) return;
    const { clock, native, connectable } = this.#options;
    const first = readPiece(this.#fd);
    if (first === 'hung-up') {
      this.#timer = clock.setTimer(() => this.#look(), LOOK_MS);
      return;
    }
    const transport = new TerminalTransport(this.#fd, native, first);
    this.#transport = transport;
    void connectable.attach(transport).then(() => {
      this.#transport = undefined;
      this.#look();
    });
  }
}

/** The time in which one client has the other side open. */
class TerminalTransport implements Transport {
  readonly carriesDescriptors = false;
  readonly #fd: number;
  readonly #poll: Poll;
  #first: Uint8Array | undefined;
  #handler: TransportHandler | undefined;
  #paused = false;
  #closed = false;
  /** What the terminal had no room for. */
  #waiting = Buffer.alloc(0);

  constructor(fd: number, native: Native, first: Uint8Array | undefined) {
    this.#fd = fd;
    this.#first = first;
    this.#poll = native.poll(fd, (readable, writable, hangup) => this.#onReady(readable || hangup, writable));
  }

  get writableLength(): number {
    return this.#waiting.length;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#watch();
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) handler.data(first, []);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#closed) return true;
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    this.#flush();
    return this.#waiting.length === 0;
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
    this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    const handler = this.#handler;
    setImmediate(() => handler?.closed(undefined));
  }

  #onReady(readable: boolean, writable: boolean): void {
    if (writable && this.#waiting.length > 0) {
      this.#flush();
      if (this.#waiting.length === 0) this.#handler?.drain();
    }
    if (!readable || this.#paused || this.#closed) return;
    const piece = readPiece(this.#fd);
    if (piece === 'hung-up') this.destroy();
    else if (piece !== undefined) this.#handler?.data(piece, []);
  }

  #flush(): void {
    try {
      this.#waiting = this.#waiting.subarray(writeSync(this.#fd, this.#waiting));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') this.#waiting = Buffer.alloc(0);
    }
    this.#watch();
  }

  #watch(): void {
    if (this.#closed || this.#handler === undefined) return;
    this.#poll.watch({ readable: !this.#paused, writable: this.#waiting.length > 0 });
  }
}

/** What there is to read; undefined for nothing yet. */
function readPiece(fd: number): Uint8Array | 'hung-up' | undefined {
  const buffer = new Uint8Array(PIECE);
  try {
    const length = readSync(fd, buffer);
    return length === 0 ? 'hung-up' : buffer.subarray(0, length);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? undefined : 'hung-up';
  }
}
