import { lstatSync, rmSync } from 'node:fs';
import type { Native, Poll } from './api.js';

export interface UnixListenerHandler {
  /** A connection, non-blocking; the descriptor belongs to the handler. */
  connection(fd: number): void;
  /** A connection could not be accepted; the listener goes on. */
  failed(error: Error): void;
}

const DEFAULT_BACKLOG = 128;

/** Accepts the connections of a socket as descriptors, which over a unix socket can carry others (unlike `node:net`). */
export class UnixListener {
  readonly #native: Native;
  /** Of the socket file that it has made; undefined for a socket that it was given. */
  readonly #path: string | undefined;
  readonly #handler: UnixListenerHandler;
  readonly #fd: number;
  readonly #poll: Poll;
  /** Given up for a moment when descriptors run out, so that a connection can be refused instead of left to spin. */
  #spare: number;
  #closed = false;

  /**
   * A socket file that nobody listens on any more is replaced. A path that begins with NUL is an abstract name.
   * @param where a path, or a descriptor that listens already, which is its own from here on
   * @throws EADDRINUSE (somebody listens, or the file is no socket), ENAMETOOLONG, EACCES, ENOENT
   */
  constructor(
    native: Native,
    where: string | number,
    handler: UnixListenerHandler,
    backlog = DEFAULT_BACKLOG,
  ) {
    this.#native = native;
    this.#handler = handler;
    if (typeof where === 'number') this.#fd = where;
    else {
      this.#path = where;
      this.#fd = listenReplacing(native, where, backlog);
    }
    this.#spare = native.eventfd(0);
    this.#poll = native.poll(this.#fd, () => this.#accept());
    this.#poll.watch({ readable: true });
  }

  /** Stops listening and removes the socket file. Connections stay. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poll.close();
    this.#native.close(this.#fd);
    if (this.#spare >= 0) this.#native.close(this.#spare);
    const path = this.#path;
    if (path !== undefined && !path.startsWith('\0')) rmSync(path, { force: true });
  }

  #accept(): void {
    while (!this.#closed) {
      let fd: number | undefined;
      try {
        // Whoever handed a socket over may have left it blocking.
        if (this.#path === undefined && !this.#native.waitReady(this.#fd, { readable: true }, 0)) return;
        fd = this.#native.accept(this.#fd);
      } catch (error) {
        this.#refuseOne();
        this.#handler.failed(error as Error);
        return;
      }
      if (fd === undefined) return;
      this.#handler.connection(fd);
    }
  }

  #refuseOne(): void {
    if (this.#spare < 0) return;
    this.#native.close(this.#spare);
    this.#spare = -1;
    try {
      const fd = this.#native.accept(this.#fd);
      if (fd !== undefined) this.#native.close(fd);
      this.#spare = this.#native.eventfd(0);
    } catch {
      // Still none left: the next connection waits until there is.
    }
  }
}

function listenReplacing(native: Native, path: string, backlog: number): number {
  try {
    return native.listenUnix(path, backlog);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || !isAbandoned(native, path)) throw error;
    rmSync(path, { force: true });
    return native.listenUnix(path, backlog);
  }
}

/** A socket file that refuses connections has lost its listener. */
function isAbandoned(native: Native, path: string): boolean {
  try {
    native.close(native.connectUnix(path));
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' && lstatSync(path).isSocket();
  }
}
