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

/** Bytes of replies that go out together. */
const BATCH = 64 * 1024;

/** A last part of a message that is at least so long is sent without a copy. */
const SENT_WITHOUT_COPY = 32 * 1024;
/** How long a peer's next request is waited for, in microseconds. */
const MOMENT_MICROSECONDS = 50;
/** After how many messages it is tried again whether a peer pipelines, or is prompt. */
const PROBE_EVERY = 32;

/** Messages taken before the event loop has its turn. */
const MAX_TURN = 64;

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
  /** The peer's last message was there before its predecessor was answered; or else, messages since that was tried. */
  #pipelines = false;
  #sincePipelined = 0;
  /** The peer's last message came within a moment of the answer to its predecessor; or else, messages since that was tried. */
  #prompt = false;
  #sincePrompt = 0;
  /** Messages on their way out; the first {@link #batched} bytes are still to be given to the stream. */
  #outgoing = Buffer.allocUnsafeSlow(BATCH);
  #batched = 0;
  /** Replies to pipelined commands go out together. */
  #batching = false;

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

  /** Bytes that the peer has not taken yet. Large parts of messages must not change until then. */
  get unsent(): number {
    return this.#stream.writableLength;
  }

  get closed(): boolean {
    return this.#stream.destroyed;
  }

  /** Ends the connection at once; what is asked rejects with a DisconnectedError. Idempotent. */
  close(error?: Error): void {
    this.#failure ??= error;
    this.#stream.destroy(error);
  }

  /** As {@link Connection.close}, but what was replied is still sent. */
  end(error?: Error): void {
    this.#failure ??= error;
    this.#flush();
    this.#stream.end();
  }

  /**
   * Asks the peer. The payload must not change until the reply is there. Descriptors are closed once sent. Rejects with the VfioError that the peer replied, or a
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
    this.#flush();
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

  /**
   * Answers a command. A part of 32 KiB or more must not change as long as there is something {@link unsent}. Nothing is sent where the peer wants no reply.
   * The descriptors are closed once sent.
   */
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
    // A large last part goes out of its own memory.
    const last = payload.at(-1);
    const large =
      last !== undefined && last.length >= SENT_WITHOUT_COPY && fds.length === 0 ? last : undefined;
    const bytes = this.#room(size - (large?.length ?? 0));
    let at = this.#batched;
    bytes.writeUInt16LE(id, at);
    bytes.writeUInt16LE(command, at + 2);
    bytes.writeUInt32LE(size, at + 4);
    bytes.writeUInt32LE(flags, at + 8);
    bytes.writeUInt32LE(errno, at + 12);
    at += HEADER.size;
    for (const part of payload) {
      if (part === large) break;
      bytes.set(part, at);
      at += part.length;
    }
    if (large !== undefined) {
      this.#batched = at;
      this.#flush();
      this.#stream.write(large);
      return;
    }
    if (fds.length > 0) {
      // Descriptors go with the first byte of their own message.
      const start = this.#batched;
      this.#flush();
      this.#stream.write(bytes.subarray(start, at), fds);
      if (this.#stream.writableLength > 0) this.#outgoing = Buffer.allocUnsafeSlow(BATCH);
      return;
    }
    this.#batched = at;
    if (!this.#batching) this.#flush();
  }

  /** A buffer with room for `size` bytes behind what is batched in it. */
  #room(size: number): Buffer {
    if (this.#batched + size > this.#outgoing.length) {
      this.#flush();
      if (size > this.#outgoing.length) this.#outgoing = Buffer.allocUnsafeSlow(size);
    }
    return this.#outgoing;
  }

  /** Sends what is batched. */
  #flush(): void {
    if (this.#batched === 0) return;
    const bytes = this.#outgoing.subarray(0, this.#batched);
    this.#batched = 0;
    this.#stream.write(bytes);
    // What the socket has not taken keeps its buffer.
    if (this.#stream.writableLength > 0) this.#outgoing = Buffer.allocUnsafeSlow(BATCH);
  }

  #takeId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#pending.has(this.#nextId));
    return this.#nextId;
  }

  #onReadable(): void {
    this.#batching = true;
    this.#handleAll();
    this.#batching = false;
    this.#flush();
    if (this.#receiver.ended && !this.#busy) this.close();
    else if (this.#stream.writableLength > HIGH_WATER_MARK) this.#stream.pause();
    else if (this.#receiver.buffered) this.#readLater();
  }

  /** Takes the messages that are there, and those that follow within a moment where the peer has that habit. */
  #handleAll(): void {
    for (let handled = 0; handled < MAX_TURN && !this.closed; handled++) {
      if (this.#busy && this.#pending.size === 0) {
        // The present command is still being handled, and nothing is waited for: the rest stays in the socket.
        this.#stream.pause();
        return;
      }
      const message = handled === 0 ? this.#receive() : this.#receiveSoon(handled);
      if (message === undefined) return;
      this.#accept(message);
      if (this.#stream.writableLength > HIGH_WATER_MARK) return;
    }
  }

  /**
   * The next message after one that was handled. A peer that waits for a reply often has its next request ready a moment
   * later, and to go through the event loop would cost more than that moment; so it is given one, as long as it uses it.
   */
  #receiveSoon(handled: number): Message | undefined {
    if (this.#receiver.buffered) return this.#receive();
    // A peer that pipelines has sent it already; its replies can go out together.
    if (this.#pipelines || ++this.#sincePipelined >= PROBE_EVERY) {
      this.#sincePipelined = 0;
      const message = this.#receive();
      this.#pipelines = message !== undefined || handled > 1;
      if (this.#pipelines) return message;
    }
    if (!this.#prompt && ++this.#sincePrompt < PROBE_EVERY) return undefined;
    this.#sincePrompt = 0;
    this.#flush();
    const message = this.#receive(this.#busy ? 0 : MOMENT_MICROSECONDS);
    this.#prompt = message !== undefined;
    return message;
  }

  /** What is here already does not wake the event loop. */
  #readLater(): void {
    setImmediate(() => {
      if (!this.closed && !this.#busy) this.#onReadable();
    });
  }

  #receive(waitMicroseconds = 0): Message | undefined {
    try {
      return this.#receiver.next(waitMicroseconds);
    } catch (error) {
      this.close(error as Error);
      return undefined;
    }
  }

  #accept(message: Message): void {
    if ((message.flags & HeaderFlag.TYPE_MASK) === HeaderFlag.REPLY) this.#settle(message);
    else if (this.#busy || this.#deferred.length > 0) this.#defer(message);
    else this.#dispatch(message);
    // What came while the command waited for a reply of its own.
    if (this.#deferred.length > 0 && !this.#busy) this.#catchUp();
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
    this.#flush();
    if (this.closed || this.#busy) return;
    if (this.#receiver.ended) {
      this.close();
      return;
    }
    this.#stream.resume();
    if (this.#receiver.buffered) this.#readLater();
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
