import { DescriptorStream, Habit, type Native } from '@godwit/native';
import type { Transport, TransportHandler } from '../transport.js';

/**
 * What comes is read into this, by all transports of a thread: a chunk is valid only during the call that hands it over, so
 * that no two of them need it at once. A connection thus costs no buffer of its own.
 */
const scratch = Buffer.allocUnsafeSlow(64 << 10);

/** A connection whose input does not end gives way to others after so many reads. */
const readsPerTurn = 8;

/** How long the thread waits for the next command of a client that had the reply to its last one at once. */
const momentMicroseconds = 50;

/** How long it waits for the answer of a server that had its last one ready at once. */
const answerMicroseconds = 30;

/** A wait that took longer, with what came of it, does not count as a moment. */
const longestMomentMs = 0.2;

/** A connected socket, by its descriptor, which it owns. Over a unix socket other descriptors travel with the bytes. */
export class DescriptorTransport implements Transport {
  readonly carriesDescriptors = true;
  readonly #fd: number;
  readonly #native: Native;
  #stream: DescriptorStream | undefined;
  #handler: TransportHandler | undefined;
  #early: Uint8Array[] = [];
  /** The peer says more within a moment of an answer. */
  readonly #prompt = new Habit();
  /** The peer answers within a moment. */
  readonly #answers = new Habit();
  /** How many answers were waited for in this turn of the event loop. */
  #answersInTurn = 0;
  /** Something was written while what came last was handled. */
  #answered = false;
  #paused = false;
  #destroyed = false;

  constructor(fd: number, native: Native) {
    this.#fd = fd;
    this.#native = native;
  }

  get writableLength(): number {
    return this.#stream?.writableLength ?? 0;
  }

  get allRead(): boolean {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed) return true;
    return stream.writableLength === 0 && this.#native.unreadBytes(this.#fd) === 0;
  }

  start(handler: TransportHandler): void {
    if (this.#destroyed) {
      queueMicrotask(() => handler.closed(undefined));
      return;
    }
    this.#handler = handler;
    this.#stream = new DescriptorStream(this.#native, this.#fd, {
      readable: () => this.#receive(),
      drain: () => handler.drain(),
      ...(handler.hungUp === undefined ? {} : { hungUp: () => handler.hungUp?.() }),
      closed: (error) => handler.closed(error),
    });
    for (const bytes of this.#early.splice(0)) this.#stream.write(bytes);
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    this.#answered = true;
    if (this.#stream !== undefined || fds.length > 0) return this.#started().write(bytes, fds);
    this.#writeEarly(bytes);
    return true;
  }

  awaitAnswer(): void {
    if (this.#stream === undefined || this.#paused || this.#stream.writableLength > 0) return;
    if (this.#answersInTurn === readsPerTurn || !this.#answers.expected()) return;
    this.#answersInTurn++;
    this.#readSoon(this.#stream, [], answerMicroseconds, this.#answers);
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  end(): void {
    if (this.#stream === undefined) this.destroy();
    else this.#stream.end();
  }

  destroy(): void {
    if (this.#stream !== undefined) this.#stream.destroy();
    else if (!this.#destroyed) this.#native.close(this.#fd);
    this.#destroyed = true;
  }

  /**
   * Before the stream is set up, which takes several system calls: the peer of a new connection, who waits for a greeting,
   * goes on while that happens.
   */
  #writeEarly(bytes: Uint8Array): void {
    let sent = 0;
    try {
      if (this.#early.length === 0 && !this.#destroyed) sent = this.#native.sendmsg(this.#fd, [bytes], []);
    } catch {
      // What is wrong with the socket shows again when the stream is set up.
    }
    if (sent < bytes.length) this.#early.push(bytes.subarray(sent));
  }

  #started(): DescriptorStream {
    if (this.#stream === undefined) throw new Error('the transport is not started');
    return this.#stream;
  }

  /**
   * A peer that waits for an answer often says more a moment after it, and to go through the event loop would cost more than
   * that moment; so it is given one, as long as it uses it.
   */
  #receive(): void {
    const stream = this.#started();
    this.#answersInTurn = 0;
    let wait = 0;
    for (let reads = 0; reads < readsPerTurn && !this.#paused; reads++) {
      const fds: number[] = [];
      this.#answered = false;
      const length = wait > 0 ? this.#readSoon(stream, fds, wait, this.#prompt) : this.#read(stream, fds, 0);
      // A short read took all there was, unless it ended where descriptors begin.
      const more = length === scratch.length || fds.length > 0;
      const isPrompt = this.#answered && stream.writableLength === 0 && this.#prompt.expected();
      if (!more && !isPrompt) return;
      wait = more ? 0 : momentMicroseconds;
    }
  }

  /**
   * Reads once, waiting for a moment. On a busy CPU the thread gives way to others for longer than that, and something is
   * there then; but so it would have been for the event loop, which had done other things meanwhile.
   */
  #readSoon(stream: DescriptorStream, fds: number[], waitMicroseconds: number, habit: Habit): number {
    const start = performance.now();
    const length = this.#read(stream, fds, waitMicroseconds);
    habit.learn(length > 0 && performance.now() - start < longestMomentMs);
    return length;
  }

  /** Reads once, hands over what came, and returns how many bytes that were, as {@link DescriptorStream.read} does. */
  #read(stream: DescriptorStream, fds: number[], waitMicroseconds: number): number {
    const length = stream.read(scratch, fds, 0, scratch.length, waitMicroseconds);
    if (length === 0) this.#handler?.ended();
    if (length > 0) this.#handler?.data(scratch.subarray(0, length), fds);
    else for (const fd of fds) this.#native.close(fd);
    return length;
  }
}
