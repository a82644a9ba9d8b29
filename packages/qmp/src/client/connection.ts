import type { Clock, Timer } from '@godwit/clock';
import { type JsonObject, JsonReader, type JsonValue, stringify } from '@godwit/json';
import type { CloseDescriptor } from '../descriptors/close.js';
import { isObject } from '../server/request.js';
import type { Transport } from '../transport.js';
import type { AbortListeners } from './abort-listeners.js';
import {
  type FailedCommand,
  QmpCommandError,
  QmpDisconnectedError,
  QmpProtocolError,
  QmpTimeoutError,
} from './errors.js';
import { type IdKey, idKey, requestText } from './request-text.js';

/** A command as it goes onto the wire. */
export interface OutgoingCommand {
  readonly command: string;
  readonly args: JsonObject | undefined;
  readonly outOfBand: boolean;
  readonly id: JsonValue | undefined;
  /** Owned by the connection from here on. */
  readonly fds: readonly number[];
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** For errors. */
  readonly failed: FailedCommand;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly closeDescriptor: CloseDescriptor;
  readonly abortListeners: AbortListeners;
  /** Gives up waiting for the greeting and the negotiation. */
  readonly signal: AbortSignal;
  readonly onEvent: (message: JsonObject) => void;
  /** Called once, after all commands on their way were rejected. */
  readonly onClosed: (reason: Error | undefined) => void;
}

interface Pending {
  readonly outOfBand: boolean;
  readonly hasDescriptors: boolean;
  readonly failed: FailedCommand;
  readonly timer: Timer | undefined;
  /** Stops listening to the signal. */
  readonly unlisten: (() => void) | undefined;
  /** Undefined when nobody waits for the reply any more. */
  resolve: ((value: JsonValue) => void) | undefined;
  reject: ((error: unknown) => void) | undefined;
}

/** A command that is not sent yet. */
interface Held {
  readonly key: IdKey;
  readonly text: string;
  /** Owned by the connection. */
  readonly fds: readonly number[];
}

/** Commands on their way at once; more are refused. */
const pendingLimit = 65_536;

/** One connection to a server, from its greeting to its end. */
export class Connection {
  readonly #transport: Transport;
  readonly #options: ConnectionOptions;
  readonly #reader = new JsonReader();
  readonly #pending = new Map<IdKey, Pending>();
  /**
   * Commands behind one with descriptors that waits for the reply to another one. QEMU reads ahead, and drops the
   * descriptors of a command that it has not executed yet when those of the next one come.
   */
  readonly #held: Held[] = [];
  #descriptorsOnTheirWay = false;
  #nextId = 1;
  #output = '';
  #flushScheduled = false;
  #closed = false;
  #closeReason: Error | undefined;
  #onGreeting: ((greeting: JsonObject) => void) | undefined;
  #onFailed: ((error: Error) => void) | undefined;
  #greeting: JsonObject | undefined;
  #oobEnabled = false;
  #resolveClosed!: () => void;
  /** Resolves when the transport is closed. */
  readonly closed: Promise<void> = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });

  private constructor(transport: Transport, options: ConnectionOptions) {
    this.#transport = transport;
    this.#options = options;
    transport.start({
      data: (chunk, fds) => this.#receive(chunk, fds),
      drain: () => {},
      ended: () => this.#transport.end(),
      closed: (error) => this.#ended(error),
    });
  }

  /**
   * Waits for the greeting and negotiates. Out-of-band execution is enabled where it is offered.
   * @throws QmpProtocolError, QmpDisconnectedError, or the signal's reason; the transport is closed then
   */
  static async open(transport: Transport, options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(transport, options);
    const { signal } = options;
    const failed: FailedCommand = { command: 'qmp_capabilities', arguments: undefined };
    let abort: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        connection.#onFailed = reject;
        abort = () => reject(signal.reason);
        if (signal.aborted) abort();
        signal.addEventListener('abort', abort);
        connection.#onGreeting = (greeting) => {
          const offered = greeting.capabilities;
          const oob = Array.isArray(offered) && offered.includes('oob');
          const args: JsonObject | undefined = oob ? { enable: ['oob'] } : undefined;
          connection
            .execute({
              command: failed.command,
              args,
              outOfBand: false,
              id: undefined,
              fds: [],
              timeoutMs: undefined,
              signal: undefined,
              failed,
            })
            .then(() => {
              connection.#oobEnabled = oob;
              resolve();
            }, reject);
        };
      });
      return connection;
    } catch (error) {
      connection.destroy(error instanceof Error ? error : undefined);
      throw error;
    } finally {
      connection.#onFailed = undefined;
      if (abort !== undefined) signal.removeEventListener('abort', abort);
    }
  }

  /** The value of `QMP` in the greeting. */
  get greeting(): JsonObject {
    return this.#greeting!;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get oobEnabled(): boolean {
    return this.#oobEnabled;
  }

  get carriesDescriptors(): boolean {
    return this.#transport.carriesDescriptors;
  }

  /** The value of the reply's `return`. */
  execute(command: OutgoingCommand): Promise<JsonValue> {
    return new Promise((resolve, reject) => {
      let key: IdKey;
      let text: string;
      try {
        this.#check(command);
        // One that is alone needs no id, and is the shorter for it.
        const alone = this.#pending.size === 0 && !command.outOfBand;
        const id = command.id === undefined ? this.#freshId() : command.id;
        key = idKey(id);
        text = requestText(command, alone ? command.id : id);
      } catch (error) {
        for (const fd of command.fds) this.#options.closeDescriptor(fd);
        reject(error);
        return;
      }
      const { timeoutMs, signal, failed } = command;
      const abandon = (error: unknown) => {
        // The entry of what was sent stays, so that the reply, should it come, finds where it belongs.
        this.#dropHeld(key);
        pending.resolve = undefined;
        pending.reject = undefined;
        this.#settle(pending);
        reject(error);
      };
      const pending: Pending = {
        outOfBand: command.outOfBand,
        hasDescriptors: command.fds.length > 0,
        failed,
        timer:
          timeoutMs === undefined
            ? undefined
            : this.#options.clock.setTimer(() => abandon(new QmpTimeoutError(timeoutMs, failed)), timeoutMs),
        unlisten: signal && this.#onAbort(signal, () => abandon(signal.reason)),
        resolve,
        reject,
      };
      this.#pending.set(key, pending);
      this.#held.push({ key, text, fds: command.fds });
      if (command.outOfBand && !pending.hasDescriptors) this.#sendHeld(this.#held.length - 1);
      else this.#sendHeld();
    });
  }

  /** Sends what is queued, then closes. */
  end(): void {
    if (this.#closed) return;
    this.#flush();
    this.#transport.end();
  }

  destroy(reason?: Error): void {
    if (this.#closed) return;
    this.#closeReason ??= reason;
    this.#transport.destroy();
  }

  /** @throws the reason for which a command cannot be sent */
  #check(command: OutgoingCommand): void {
    command.signal?.throwIfAborted();
    if (this.#closed) throw new QmpDisconnectedError('the connection is closed');
    if (command.id !== undefined && this.#pending.has(idKey(command.id))) {
      throw new TypeError(`a command with the id ${stringify(command.id)} is on its way already`);
    }
    if (this.#pending.size >= pendingLimit) {
      throw new RangeError(`${pendingLimit} commands are on their way already`);
    }
  }

  /** Returns how to stop listening. */
  #onAbort(signal: AbortSignal, call: () => void): () => void {
    const { abortListeners } = this.#options;
    abortListeners.add(signal, call);
    return () => abortListeners.remove(signal, call);
  }

  #freshId(): number {
    while (this.#pending.has(this.#nextId)) this.#nextId++;
    return this.#nextId++;
  }

  /** Sends what may be sent of the commands that are held, from the one at `first`. */
  #sendHeld(first = 0): void {
    while (this.#held.length > first) {
      const { text, fds } = this.#held[first]!;
      const hasDescriptors = fds.length > 0;
      if (hasDescriptors && this.#descriptorsOnTheirWay) return;
      this.#held.splice(first, 1);
      this.#descriptorsOnTheirWay ||= hasDescriptors;
      this.#write(text, fds);
    }
  }

  /** Forgets a command that was never sent. */
  #dropHeld(key: IdKey): void {
    const index = this.#held.findIndex((held) => held.key === key);
    if (index < 0) return;
    const [{ fds }] = this.#held.splice(index, 1) as [Held];
    this.#pending.delete(key);
    for (const fd of fds) this.#options.closeDescriptor(fd);
    this.#sendHeld();
  }

  #write(text: string, fds: readonly number[]): void {
    if (fds.length > 0) {
      // Descriptors go with the first byte of a message, so that it is to be written alone.
      this.#flush();
      this.#transport.write(Buffer.from(text, 'latin1'), fds);
      return;
    }
    this.#output += text;
    if (this.#flushScheduled) return;
    // The first goes at once; what is issued in the same breath as it goes together.
    if (this.#pending.size === 1) this.#flush();
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flush();
      if (this.#pending.size === 1) this.#transport.awaitAnswer?.();
    });
  }

  #flush(): void {
    if (this.#output === '' || this.#closed) return;
    const bytes = Buffer.from(this.#output, 'latin1');
    this.#output = '';
    this.#transport.write(bytes);
  }

  #receive(chunk: Uint8Array, fds: readonly number[]): void {
    for (const fd of fds) this.#options.closeDescriptor(fd);
    this.#reader.push(chunk);
    for (let message = this.#reader.read(); message !== undefined; message = this.#reader.read()) {
      if (this.#closed || this.#closeReason !== undefined) return;
      if (message.error !== undefined)
        this.#fail(`the server sent what cannot be read: ${message.error.message}`);
      else if (!isObject(message.value)) this.#fail('the server sent a message that is no object');
      else this.#take(message.value);
    }
  }

  #take(message: JsonObject): void {
    if (message.event !== undefined) {
      if (this.#greeting === undefined) this.#fail('the server sent an event before its greeting');
      else this.#options.onEvent(message);
    } else if (message.QMP !== undefined) {
      const greeting = message.QMP;
      if (this.#greeting !== undefined || !isObject(greeting)) {
        this.#fail('the server sent a greeting that makes no sense');
        return;
      }
      this.#greeting = greeting;
      this.#onGreeting?.(greeting);
    } else if (this.#greeting === undefined) {
      this.#fail('the server sent no greeting');
    } else {
      this.#takeReply(message);
    }
  }

  #takeReply(message: JsonObject): void {
    const key = message.id === undefined ? this.#oldestInBand() : idKey(message.id);
    const pending = key === undefined ? undefined : this.#pending.get(key);
    const error = message.error;
    if (key === undefined || pending === undefined) {
      const about = isObject(error) ? `: ${String(error.desc)}` : '';
      this.#fail(`the server sent a reply to no command${about}`);
      return;
    }
    this.#pending.delete(key);
    this.#settle(pending);
    if (pending.hasDescriptors) {
      this.#descriptorsOnTheirWay = false;
      this.#sendHeld();
    }
    if (isObject(error)) {
      pending.reject?.(new QmpCommandError(String(error.class), String(error.desc ?? ''), pending.failed));
    } else if (message.return !== undefined) {
      pending.resolve?.(message.return);
    } else {
      pending.reject?.(new QmpProtocolError('the server sent a reply without return and error'));
    }
  }

  /** A reply without an id, as to a request that the server could not read, is to the in-band command that waits longest. */
  #oldestInBand(): IdKey | undefined {
    for (const [key, pending] of this.#pending) if (!pending.outOfBand) return key;
    return undefined;
  }

  #settle(pending: Pending): void {
    pending.timer?.cancel();
    pending.unlisten?.();
  }

  #fail(text: string): void {
    this.destroy(new QmpProtocolError(text));
  }

  #ended(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#resolveClosed();
    const reason = this.#closeReason ?? error;
    const cause = reason === undefined ? undefined : { cause: reason };
    const unsent = new Set<Pending | undefined>();
    for (const { key, fds } of this.#held.splice(0)) {
      unsent.add(this.#pending.get(key));
      for (const fd of fds) this.#options.closeDescriptor(fd);
    }
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const each of pending) {
      const { failed } = each;
      this.#settle(each);
      each.reject?.(
        unsent.has(each)
          ? new QmpDisconnectedError(
              `the connection was lost before ${failed.command} was sent`,
              undefined,
              cause,
            )
          : new QmpDisconnectedError(
              `the connection was lost before the reply to ${failed.command} came; it may have run`,
              failed,
              cause,
            ),
      );
    }
    this.#onFailed?.(
      reason ?? new QmpDisconnectedError('the server closed the connection before it was negotiated'),
    );
    this.#options.onClosed(reason);
  }
}
