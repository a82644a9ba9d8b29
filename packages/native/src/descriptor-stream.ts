import type { Native, Poll } from './api.js';

export interface DescriptorStreamHandler {
  /** Bytes, or the end, can be read with {@link DescriptorStream.read}. Called again as long as something is left. */
  readable(): void;
  /** All that was queued has been taken, after a {@link DescriptorStream.write} that returned false. */
  drain(): void;
  /**
   * The peer has closed while reading is paused: nothing that is written reaches it, though what it sent can still be read.
   * Without it that is noticed after {@link DescriptorStream.resume}.
   */
  hungUp?(): void;
  /** The descriptor is closed. Called exactly once, with the error that ended the stream if one did. */
  closed(error: Error | undefined): void;
}

export interface DescriptorStreamOptions {
  /** Queued bytes above which {@link DescriptorStream.write} returns false. Default 64 KiB. */
  readonly highWaterMark?: number;
}

interface Queued {
  bytes: Uint8Array;
  fds: readonly number[];
}

const DEFAULT_HIGH_WATER_MARK = 64 * 1024;
const MAX_CHUNKS_PER_CALL = 64;
/** Bytes up to which the socket is tried before anything is queued. */
const SENT_AT_ONCE = 32 * 1024;

/**
 * A connected socket that carries bytes and descriptors, on this thread's event loop.
 *
 * It owns its descriptor, and the descriptors that are queued to be sent. Those that are read belong to the reader.
 */
export class DescriptorStream {
  readonly #native: Native;
  readonly #fd: number;
  readonly #handler: DescriptorStreamHandler;
  readonly #highWaterMark: number;
  readonly #poll: Poll;
  readonly #queue: Queued[] = [];
  #queuedBytes = 0;
  #reading = true;
  #watchesReadable = false;
  #watchesWritable = false;
  #watchesHangup = false;
  #hungUp = false;
  #needsDrain = false;
  #ending = false;
  #destroyed = false;

  /** Reads from the start; see {@link DescriptorStream.pause}. */
  constructor(
    native: Native,
    fd: number,
    handler: DescriptorStreamHandler,
    options: DescriptorStreamOptions = {},
  ) {
    this.#native = native;
    this.#fd = fd;
    this.#handler = handler;
    this.#highWaterMark = options.highWaterMark ?? DEFAULT_HIGH_WATER_MARK;
    this.#poll = native.poll(fd, (readable, writable, hangup) => this.#onReady(readable, writable, hangup));
    this.#watch();
  }

  get destroyed(): boolean {
    return this.#destroyed;
  }

  /** Bytes that were queued and not taken by the peer yet. */
  get writableLength(): number {
    return this.#queuedBytes;
  }

  /**
   * Reads into `[start, end)` of `into`; `fds` gets the descriptors that came with those bytes. Returns how many bytes,
   * 0 at the end of the stream, -1 where none are there now. After the end or an error the stream no longer reads.
   * An error destroys the stream; it arrives at {@link DescriptorStreamHandler.closed}, and -1 is returned.
   * With `waitMicroseconds` it blocks the thread for no longer than that where nothing is there.
   */
  read(into: Uint8Array, fds: number[], start = 0, end = into.length, waitMicroseconds = 0): number {
    if (this.#destroyed) return -1;
    try {
      const length = this.#native.receive(this.#fd, into, start, end, fds, waitMicroseconds);
      if (length === 0) this.pause();
      return length;
    } catch (error) {
      this.destroy(error as Error);
      return -1;
    }
  }

  /**
   * Sends, or queues what the socket does not take. The bytes must not change until they are sent (`writableLength`).
   * `fds` go with the first byte, and are closed when they are sent or the stream is destroyed: they belong to the stream
   * from now on. Returns false where so much is queued that the caller should wait for `drain`.
   */
  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (this.#destroyed || this.#ending || bytes.length === 0) {
      this.#closeAll(fds);
      return !this.#destroyed;
    }
    if (this.#queue.length === 0 && this.#sendAtOnce(bytes, fds)) return true;
    this.#queue.push({ bytes, fds });
    this.#queuedBytes += bytes.length;
    if (this.#queue.length === 1) this.#flush();
    if (this.#queuedBytes <= this.#highWaterMark) return true;
    this.#needsDrain = !this.#destroyed;
    return false;
  }

  /** Stops reading; what the peer sends stays in the socket. */
  pause(): void {
    this.#reading = false;
    this.#watch();
  }

  resume(): void {
    this.#reading = true;
    this.#watch();
  }

  /** Sends what is queued, then closes. */
  end(): void {
    this.#ending = true;
    if (this.#queue.length === 0) this.destroy();
  }

  /** Closes at once; what is queued is dropped. Idempotent. */
  destroy(error?: Error): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    this.#poll.close();
    this.#native.close(this.#fd);
    for (const { fds } of this.#queue.splice(0)) this.#closeAll(fds);
    this.#queuedBytes = 0;
    queueMicrotask(() => this.#handler.closed(error));
  }

  /** Sends what the socket takes now. The event loop does this by itself; it is for who blocks the thread. */
  flush(): void {
    if (!this.#destroyed && this.#queue.length > 0) this.#flush();
  }

  #onReady(readable: boolean, writable: boolean, hangup: boolean): void {
    if (writable) this.#flush();
    if (this.#destroyed) return;
    if (this.#reading) {
      if (readable || hangup) this.#handler.readable();
    } else if (hangup) this.#noticeHangup();
  }

  #noticeHangup(): void {
    this.#hungUp = true;
    this.#watch();
    // Without interest in anything, only a hangup or an error counts: urgent data do not.
    if (this.#native.waitReady(this.#fd, {}, 0)) this.#handler.hungUp?.();
  }

  #flush(): void {
    try {
      while (this.#queue.length > 0 && this.#sendOnce());
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    this.#watch();
    if (this.#queue.length > 0) return;
    if (this.#ending) {
      this.destroy();
    } else if (this.#needsDrain) {
      this.#needsDrain = false;
      this.#handler.drain();
    }
  }

  /** The usual case, without the queue: the socket takes all of it. False where nothing has been sent. */
  #sendAtOnce(bytes: Uint8Array, fds: readonly number[]): boolean {
    if (fds.length > 0 || bytes.length > SENT_AT_ONCE) return false;
    try {
      const sent = this.#native.sendmsg(this.#fd, [bytes], fds);
      if (sent === 0) return false;
      if (sent < bytes.length) {
        this.#queue.push({ bytes: bytes.subarray(sent), fds });
        this.#queuedBytes += bytes.length - sent;
        this.#watch();
      }
    } catch (error) {
      this.destroy(error as Error);
    }
    return true;
  }

  /** One call of sendmsg; false when the socket takes no more. */
  #sendOnce(): boolean {
    const first = this.#queue[0]!;
    const chunks = [first.bytes];
    // Descriptors travel with the first byte of a call, so a message that has some begins a call.
    for (let next = 1; next < this.#queue.length && next < MAX_CHUNKS_PER_CALL; next++) {
      const { bytes, fds } = this.#queue[next]!;
      if (fds.length > 0) break;
      chunks.push(bytes);
    }
    let sent = this.#native.sendmsg(this.#fd, chunks, first.fds);
    if (sent === 0) return false;
    this.#closeAll(first.fds);
    first.fds = [];
    this.#queuedBytes -= sent;
    let done = 0;
    for (; done < chunks.length && sent >= chunks[done]!.length; done++) sent -= chunks[done]!.length;
    this.#queue.splice(0, done);
    if (sent > 0) this.#queue[0]!.bytes = this.#queue[0]!.bytes.subarray(sent);
    return true;
  }

  #watch(): void {
    if (this.#destroyed) return;
    const readable = this.#reading;
    const writable = this.#queue.length > 0;
    const hangup = !readable && !this.#hungUp && this.#handler.hungUp !== undefined;
    if (
      readable === this.#watchesReadable &&
      writable === this.#watchesWritable &&
      hangup === this.#watchesHangup
    ) {
      return;
    }
    this.#watchesReadable = readable;
    this.#watchesWritable = writable;
    this.#watchesHangup = hangup;
    this.#poll.watch({ readable, writable, hangup });
  }

  #closeAll(fds: readonly number[]): void {
    for (const fd of fds) this.#native.close(fd);
  }
}
