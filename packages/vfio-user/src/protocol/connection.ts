import type { Clock, Timer } from '@godwit/clock';
import { DescriptorStream, type Native } from '@godwit/native';
import { errnoName, VfioError } from '@godwit/vfio';
import { DisconnectedError, ProtocolError } from './errors.js';
import { commandName, HEADER, HeaderFlag } from './messages.js';
import { type Message, Receiver } from './receiver.js';

export interface ConnectionHandler {
  /**
   * A command of the peer. Where it returns a promise, the next command waits for it; replying is up to the handler
   * ({@link Connection.reply}). A VfioError that it throws is replied. Absent: commands are a breach of the protocol.
   */
  command?(message: Message): void | Promise<void>;
  /** Called exactly once. */
  closed(error: Error | undefined): void;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  /** Payload bytes of the largest message that is accepted. */
  readonly maxPayload: number;
}

export interface RequestOptions {
  readonly fds?: readonly number[];
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

/** A reply; its payload is the caller's own, its descriptors belong to the caller. */
export interface Reply {
  readonly payload: Buffer;
  readonly fds: number[];
}

interface Pending {
  readonly command: number;
  readonly deadline: number;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** What QEMU waits for an answer. */
export const DEFAULT_TIMEOUT_MS = 5000;

/** Requests without an answer, and commands that wait for their turn. */
const MAX_PENDING = 4096;
/** Bytes of commands that came while a reply was waited for. */
const MAX_DEFERRED_BYTES = 16 * 1024 * 1024;
/** Queued bytes above which the peer's commands are no longer read. */
const HIGH_WATER_MARK = 4 * 1024 * 1024;

/**
 * One socket between client and server: commands and replies in both directions. Either side may ask; the two spaces of
 * message ids are apart.
 */
export class Connection {
  readonly #native: Native;
  readonly #fd: number;
  readonly #stream: DescriptorStream;
  readonly #receiver: Receiver;
  readonly #clock: Clock;
  readonly #handler: ConnectionHandler;
  readonly #pending = new Map<number, Pending>();
  /** Commands that came in the middle of {@link Connection.requestSync}. */
  readonly #deferred: Message[] = [];
  #deferredBytes = 0;
  #nextId = 0;
  #timer: Timer | undefined;
  #timerAt = 0;
  #failure: Error | undefined;
  /** A command is being handled. */
  #busy = false;
  /** The peer pipelines: look for another message before going back to the event loop. */
  #pipelined = false;
  #replyBuffer = Buffer.allocUnsafeSlow(4096);

  constructor(native: Native, fd: number, handler: ConnectionHandler, options: ConnectionOptions) {
    this.#native = native;
    this.#fd = fd;
    this.#clock = options.clock;
    this.#handler = handler;
    this.#stream = new DescriptorStream(
      native,
      fd,
      {
        readable: () => this.#onReadable(),
        drain: () => this.#resume(),
        closed: (error) => this.#onClosed(error),
      },
      { highWaterMark: HIGH_WATER_MARK },
    );
    this.#receiver = new Receiver(native, this.#stream, options.maxPayload);
  }

  get closed(): boolean {
    return this.#stream.destroyed;
  }

  /** Ends the connection at once; what is asked rejects with a DisconnectedError. Idempotent. */
  close(error?: Error): void {
    this.#failure ??= error;
    this.#stream.destroy(error);
  }

  /**
   * Asks the peer. Descriptors are closed once sent. Rejects with the VfioError that the peer replied, or a
   * DisconnectedError where no reply came (in time, which ends the connection).
   */
  request(command: number, payload: readonly Uint8Array[], options: RequestOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.closed || this.#pending.size >= MAX_PENDING) {
        for (const fd of options.fds ?? []) this.#native.close(fd);
        reject(
          this.closed ? this.#disconnected() : new VfioError('EBUSY', 'too many requests wait for replies'),
        );
        return;
      }
      const id = this.#takeId();
      const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
      this.#pending.set(id, { command, deadline: this.#clock.now() + timeout, resolve, reject });
      this.#send(id, command, HeaderFlag.COMMAND, 0, payload, options.fds);
      this.#watchDeadline(this.#clock.now() + timeout);
      // Replies have to be read even while a command is being handled.
      this.#stream.resume();
    });
  }

  /** Asks the peer without waiting for an answer, and without getting one. */
  notify(command: number, payload: readonly Uint8Array[]): void {
    this.#send(this.#takeId(), command, HeaderFlag.COMMAND | HeaderFlag.NO_REPLY, 0, payload);
  }

  /**
   * As {@link Connection.request}, but blocks the thread until the reply is there: for a device model whose access to
   * memory has to have happened when it returns. Commands that come in between wait until the present one is done.
   */
  requestSync(command: number, payload: readonly Uint8Array[], timeoutMs = DEFAULT_TIMEOUT_MS): Reply {
    if (this.closed) throw this.#disconnected();
    let answer: Reply | Error | undefined;
    const id = this.#takeId();
    this.#pending.set(id, {
      command,
      deadline: this.#clock.now() + timeoutMs,
      resolve: (reply) => {
        answer = reply;
      },
      reject: (error) => {
        answer = error;
      },
    });
    this.#send(id, command, HeaderFlag.COMMAND, 0, payload);
    for (let waited = 0; answer === undefined && !this.closed; ) {
      const message = this.#receive();
      if (message !== undefined) {
        if ((message.flags & HeaderFlag.TYPE_MASK) === HeaderFlag.REPLY) this.#settle(message);
        else this.#defer(message);
        continue;
      }
      if (this.closed || this.#receiver.ended) break;
      const interest = { readable: true, writable: this.#stream.writableLength > 0 };
      if (!this.#native.waitReady(this.#fd, interest, WAIT_STEP_MS)) waited += WAIT_STEP_MS;
      if (waited >= timeoutMs) this.close(new DisconnectedError(`no reply to ${commandName(command)}`));
      this.#stream.flush();
    }
    this.#pending.delete(id);
    if (this.#deferred.length > 0 && !this.#busy) queueMicrotask(() => this.#catchUp());
    if (answer === undefined) throw this.#disconnected();
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** Answers a command. Nothing is sent where the peer wants no reply. The descriptors are closed once sent. */
  reply(message: Message, payload: readonly Uint8Array[], fds: readonly number[] = []): void {
    if ((message.flags & HeaderFlag.NO_REPLY) !== 0) {
      for (const fd of fds) this.#native.close(fd);
      return;
    }
    this.#send(message.id, message.command, HeaderFlag.REPLY, 0, payload, fds);
  }

  replyError(message: Message, errno: number): void {
    if ((message.flags & HeaderFlag.NO_REPLY) !== 0) return;
    this.#send(message.id, message.command, HeaderFlag.REPLY | HeaderFlag.ERROR, errno, []);
  }

  #send(
    id: number,
    command: number,
    flags: number,
    errno: number,
    payload: readonly Uint8Array[],
    fds: readonly number[] = [],
  ): void {
    let size = HEADER.size;
    for (const part of payload) size += part.length;
    // What the socket has taken wholly can be overwritten; what is queued keeps its buffer.
    if (this.#stream.writableLength > 0) this.#replyBuffer = Buffer.allocUnsafeSlow(Math.max(size, 4096));
    else if (this.#replyBuffer.length < size) this.#replyBuffer = Buffer.allocUnsafeSlow(size);
    const bytes = this.#replyBuffer;
    bytes.writeUInt16LE(id, 0);
    bytes.writeUInt16LE(command, 2);
    bytes.writeUInt32LE(size, 4);
    bytes.writeUInt32LE(flags, 8);
    bytes.writeUInt32LE(errno, 12);
    let at = HEADER.size;
    for (const part of payload) {
      bytes.set(part, at);
      at += part.length;
    }
    this.#stream.write(bytes.subarray(0, size), fds);
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#pending.has(this.#nextId));
    return this.#nextId;
  }

  #onReadable(): void {
    let handled = 0;
    while (!this.closed && (handled !== 1 || this.#pipelined)) {
      if (this.#busy && this.#pending.size === 0) {
        // The present command is still being handled, and nothing is waited for: the rest stays in the socket.
        this.#stream.pause();
        return;
      }
      const message = this.#receive();
      if (message === undefined) break;
      this.#accept(message);
      handled++;
      if (this.#stream.writableLength > HIGH_WATER_MARK) {
        this.#stream.pause();
        break;
      }
    }
    this.#pipelined = handled > 1 || (handled === 1 && !this.#pipelined);
    if (this.#receiver.ended && !this.#busy) this.close();
  }

  #receive(): Message | undefined {
    try {
      return this.#receiver.next();
    } catch (error) {
      this.close(error as Error);
      return undefined;
    }
  }

  #accept(message: Message): void {
    if ((message.flags & HeaderFlag.TYPE_MASK) === HeaderFlag.REPLY) this.#settle(message);
    else if (this.#busy || this.#deferred.length > 0) this.#defer(message);
    else this.#dispatch(message);
  }

  #dispatch(message: Message): void {
    if (this.#handler.command === undefined) {
      this.#receiver.release(message);
      this.close(new ProtocolError(`the peer may not send ${commandName(message.command)}`));
      return;
    }
    this.#busy = true;
    const finished = this.#invoke(message);
    if (finished === undefined) {
      this.#finish(message);
      return;
    }
    finished
      .catch((error: unknown) => this.#fail(message, error))
      .then(() => {
        this.#finish(message);
        this.#catchUp();
      });
  }

  #invoke(message: Message): void | Promise<void> {
    try {
      return this.#handler.command?.(message);
    } catch (error) {
      this.#fail(message, error);
    }
  }

  #finish(message: Message): void {
    this.#busy = false;
    this.#receiver.release(message);
  }

  /** Handles what had to wait, then reads on. */
  #catchUp(): void {
    while (!this.#busy && !this.closed) {
      const message = this.#deferred.shift();
      if (message === undefined) break;
      this.#deferredBytes -= message.payload.length;
      this.#dispatch(message);
    }
    this.#resume();
  }

  #fail(message: Message, error: unknown): void {
    if (!(error instanceof VfioError)) {
      this.close(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.replyError(message, error.errno);
  }

  #resume(): void {
    if (this.closed || this.#busy) return;
    if (this.#receiver.ended) this.close();
    else this.#stream.resume();
  }

  #defer(message: Message): void {
    this.#deferredBytes += message.payload.length;
    this.#deferred.push(message);
    if (this.#deferred.length > MAX_PENDING || this.#deferredBytes > MAX_DEFERRED_BYTES) {
      this.close(new ProtocolError('the peer sends commands without end instead of a reply'));
    }
  }

  #settle(message: Message): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined || pending.command !== message.command) {
      this.#receiver.release(message);
      this.close(new ProtocolError(`a reply to ${commandName(message.command)} that was not asked for`));
      return;
    }
    this.#pending.delete(message.id);
    if ((message.flags & HeaderFlag.ERROR) !== 0) {
      this.#receiver.release(message);
      const code = errnoName(message.errno);
      pending.reject(new VfioError(code, `the peer answers ${commandName(message.command)} with ${code}`));
      return;
    }
    const fds = message.fds.splice(0);
    const payload = this.#receiver.keep(message);
    pending.resolve({ payload, fds });
  }

  /** Has the timer go off no later than `deadline`. */
  #watchDeadline(deadline: number): void {
    if (this.closed || (this.#timer !== undefined && this.#timerAt <= deadline)) return;
    this.#timer?.cancel();
    this.#timerAt = deadline;
    this.#timer = this.#clock.setTimer(() => this.#checkDeadlines(), deadline - this.#clock.now());
  }

  #checkDeadlines(): void {
    this.#timer = undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { command, deadline } of this.#pending.values()) {
      if (deadline <= this.#clock.now()) {
        this.close(new DisconnectedError(`no reply to ${commandName(command)} in time`));
        return;
      }
      earliest = Math.min(earliest, deadline);
    }
    if (this.#pending.size > 0) this.#watchDeadline(earliest);
  }

  #onClosed(error: Error | undefined): void {
    this.#timer?.cancel();
    this.#receiver.close();
    for (const message of this.#deferred.splice(0)) this.#receiver.release(message);
    this.#failure ??= error;
    const failure = this.#disconnected();
    for (const pending of this.#pending.values()) pending.reject(failure);
    this.#pending.clear();
    this.#handler.closed(this.#failure);
  }

  #disconnected(): Error {
    if (this.#failure instanceof DisconnectedError) return this.#failure;
    const why = this.#failure === undefined ? '' : `: ${this.#failure.message}`;
    return new DisconnectedError(`the connection is closed${why}`, { cause: this.#failure });
  }
}

/** How long one wait for the socket lasts at most, in milliseconds. */
const WAIT_STEP_MS = 100;
