import type { Clock } from '@godwit/clock';
import { DescriptorStream, type Native } from '@godwit/native';
import { errnoName, VfioError } from '@godwit/vfio';
import { DeferredCommands } from './deferred-commands.js';
import { DisconnectedError, ProtocolError } from './errors.js';
import { commandName, HeaderFlag } from './messages.js';
import { PeerHabits } from './peer-habits.js';
import { PendingRequests, type Reply } from './pending-requests.js';
import { type Message, Receiver } from './receiver.js';
import { Sender } from './sender.js';

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

/** What QEMU waits for an answer. */
const DEFAULT_TIMEOUT_MS = 5000;
/** How long one wait for the socket lasts at most, in milliseconds. */
const WAIT_STEP_MS = 100;

/** How long a peer's next request is waited for, in microseconds. */
const MOMENT_MICROSECONDS = 50;
/** Messages taken before the event loop has its turn. */
const MAX_TURN = 64;

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
  readonly #sender: Sender;
  readonly #clock: Clock;
  readonly #handler: ConnectionHandler;
  readonly #pending: PendingRequests;
  readonly #deferred = new DeferredCommands();
  readonly #habits = new PeerHabits();
  #failure: Error | undefined;
  /** A command is being handled. */
  #busy = false;

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
    this.#sender = new Sender(this.#stream);
    this.#pending = new PendingRequests(options.clock, (command) => {
      this.close(new DisconnectedError(`no reply to ${commandName(command)} in time`));
    });
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
    this.#sender.flush();
    this.#stream.end();
  }

  /**
   * Asks the peer. The payload must not change until the reply is there. Descriptors are closed once sent. Rejects with the VfioError that the peer replied, or a
   * DisconnectedError where no reply came (in time, which ends the connection).
   */
  request(command: number, payload: readonly Uint8Array[], options: RequestOptions = {}): Promise<Reply> {
    const { fds, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const deadline = this.#clock.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      let id: number;
      try {
        if (this.closed) throw this.#disconnected();
        id = this.#pending.add({ command, deadline, resolve, reject });
      } catch (error) {
        for (const fd of fds ?? []) this.#native.close(fd);
        reject(error);
        return;
      }
      this.#send(id, command, HeaderFlag.COMMAND, payload, fds);
      if (this.closed) return;
      this.#pending.watch(deadline);
      // Replies have to be read even while a command is being handled.
      this.#stream.resume();
    });
  }

  /** Asks the peer without waiting for an answer, and without getting one. */
  notify(command: number, payload: readonly Uint8Array[]): void {
    this.#send(this.#pending.takeId(), command, HeaderFlag.COMMAND | HeaderFlag.NO_REPLY, payload);
  }

  /**
   * As {@link Connection.request}, but blocks the thread until the reply is there: for a device model whose access to
   * memory has to have happened when it returns. Commands that come in between wait until the present one is done.
   */
  requestSync(command: number, payload: readonly Uint8Array[], timeoutMs = DEFAULT_TIMEOUT_MS): Reply {
    if (this.closed) throw this.#disconnected();
    let answer: Reply | Error | undefined;
    const id = this.#pending.add({
      command,
      deadline: this.#clock.now() + timeoutMs,
      resolve: (reply) => {
        answer = reply;
      },
      reject: (error) => {
        answer = error;
      },
    });
    this.#send(id, command, HeaderFlag.COMMAND, payload);
    this.#sender.flush();
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
    this.#pending.forget(id);
    if (!this.#deferred.empty && !this.#busy) queueMicrotask(() => this.#catchUp());
    if (answer === undefined) throw this.#disconnected();
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** Takes back the payload of a reply that is no longer needed; for large ones. */
  recycle({ payload }: Reply): void {
    this.#receiver.recycle(payload);
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
    this.#send(message.id, message.command, HeaderFlag.REPLY, payload, fds);
  }

  replyError(message: Message, errno: number): void {
    if ((message.flags & HeaderFlag.NO_REPLY) !== 0) return;
    const { id, command } = message;
    this.#sender.send({ id, command, flags: HeaderFlag.REPLY | HeaderFlag.ERROR, errno }, []);
  }

  #send(
    id: number,
    command: number,
    flags: number,
    payload: readonly Uint8Array[],
    fds?: readonly number[],
  ): void {
    this.#sender.send({ id, command, flags, errno: 0 }, payload, fds);
  }

  #onReadable(): void {
    this.#sender.batching = true;
    this.#handleAll();
    this.#sender.batching = false;
    this.#sender.flush();
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
    const { pipelines, prompt } = this.#habits;
    if (pipelines.expected()) {
      const message = this.#receive();
      const does = message !== undefined || handled > 1;
      pipelines.learn(does);
      if (does) return message;
    }
    if (!prompt.expected()) return undefined;
    this.#sender.flush();
    const message = this.#receive(this.#busy ? 0 : MOMENT_MICROSECONDS);
    prompt.learn(message !== undefined);
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
    else if (this.#busy || !this.#deferred.empty) this.#defer(message);
    else this.#dispatch(message);
    // What came while the command waited for a reply of its own.
    if (!this.#deferred.empty && !this.#busy) this.#catchUp();
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
    this.#sender.flush();
    if (this.closed || this.#busy) return;
    if (this.#receiver.ended) {
      this.close();
      return;
    }
    this.#stream.resume();
    if (this.#receiver.buffered) this.#readLater();
  }

  #defer(message: Message): void {
    try {
      this.#deferred.push(message);
    } catch (error) {
      this.close(error as Error);
    }
  }

  #settle(message: Message): void {
    const pending = this.#pending.take(message.id, message.command);
    if (pending === undefined) {
      this.#receiver.release(message);
      this.close(new ProtocolError(`a reply to ${commandName(message.command)} that was not asked for`));
      return;
    }
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

  #onClosed(error: Error | undefined): void {
    this.#receiver.close();
    for (const message of this.#deferred.clear()) this.#receiver.release(message);
    this.#failure ??= error;
    this.#pending.fail(this.#disconnected());
    this.#handler.closed(this.#failure);
  }

  #disconnected(): Error {
    if (this.#failure instanceof DisconnectedError) return this.#failure;
    const why = this.#failure === undefined ? '' : `: ${this.#failure.message}`;
    return new DisconnectedError(`the connection is closed${why}`, { cause: this.#failure });
  }
}
