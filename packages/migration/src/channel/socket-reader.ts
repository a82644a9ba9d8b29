import type net from 'node:net';

/** What the socket reads into while nobody has said where the bytes belong. */
const STAGING_BYTES = 256 << 10;

/**
 * Reads of a socket into memory of our choice (`onread` of node:net): straight to where a pending
 * `readExactly` wants the bytes, otherwise into a staging buffer. Node asks for the next buffer right after
 * each read, before the reader can say anything, so what it asks for next is decided by what is still missing then.
 */
export class SocketReader {
  readonly #staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
  #stagedFrom = 0;
  #stagedTo = 0;
  /** Where the bytes of the read under way go, when it is not the staging buffer. */
  #direct = false;
  #into: Uint8Array | undefined;
  #filled = 0;
  #ended = false;
  #error: Error | undefined;
  #paused = false;
  #settle: { resolve: (full: boolean) => void; reject: (error: Error) => void } | undefined;
  #socket: net.Socket | undefined;

  readonly onread = {
    buffer: (): Uint8Array => this.#nextBuffer(),
    callback: (length: number): boolean => this.#received(length),
  };

  attach(socket: net.Socket): void {
    this.#socket = socket;
    socket.on('end', () => this.finish(undefined));
    socket.on('error', (error) => this.finish(error));
    socket.on('close', () => this.finish(undefined));
  }

  finish(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    if (this.#into !== undefined) this.#fillFromStaging();
  }

  read(into: Uint8Array): Promise<boolean> {
    if (this.#into !== undefined) throw new Error('a read is under way');
    if (into.length === 0) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      this.#into = into;
      this.#filled = 0;
      this.#settle = { resolve, reject };
      this.#fillFromStaging();
    });
  }

  #nextBuffer(): Uint8Array {
    this.#direct = this.#into !== undefined;
    // The socket is paused while bytes are staged, so that the staging buffer is free whenever it is read into.
    return this.#into?.subarray(this.#filled) ?? this.#staging;
  }

  #received(length: number): boolean {
    if (this.#direct) {
      this.#filled += length;
      if (this.#filled === this.#into?.length) this.#done();
      return true;
    }
    this.#stagedFrom = 0;
    this.#stagedTo = length;
    if (this.#into !== undefined) this.#fillFromStaging();
    this.#paused = this.#stagedFrom !== this.#stagedTo;
    return !this.#paused;
  }

  /** Moves staged bytes to the pending read; settles it where it is complete or can never be. */
  #fillFromStaging(): void {
    const into = this.#into!;
    const length = Math.min(this.#stagedTo - this.#stagedFrom, into.length - this.#filled);
    into.set(this.#staging.subarray(this.#stagedFrom, this.#stagedFrom + length), this.#filled);
    this.#stagedFrom += length;
    this.#filled += length;
    if (this.#filled === into.length) {
      this.#done();
    } else if (this.#ended) {
      this.#fail();
    } else if (this.#paused) {
      this.#paused = false;
      this.#socket!.resume();
    }
  }

  #done(): void {
    const { resolve } = this.#settle!;
    this.#into = undefined;
    resolve(true);
  }

  #fail(): void {
    const { resolve, reject } = this.#settle!;
    const started = this.#filled > 0;
    this.#into = undefined;
    if (this.#error !== undefined) reject(this.#error);
    else if (started) reject(new Error('the connection ended in the middle of a message'));
    else resolve(false);
  }
}
