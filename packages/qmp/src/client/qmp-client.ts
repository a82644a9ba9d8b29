import { type Clock, SystemClock, type Timer } from '@godwit/clock';
import type { JsonObject, JsonValue } from '@godwit/json';
import { type CloseDescriptor, closeDescriptor } from '../descriptors/close.js';
import type { Transport } from '../transport.js';
import { parseAddress, type SocketAddress } from '../transports/address.js';
import { connectTransport } from '../transports/connect.js';
import { AbortListeners } from './abort-listeners.js';
import { awaitServer } from './await-server.js';
import { Connection } from './connection.js';
import { closeHandedOver, takeDescriptors } from './descriptors-to-send.js';
import { type FailedCommand, QmpDisconnectedError, QmpReplyError } from './errors.js';
import { EventDistribution, type EventListener } from './event-distribution.js';
import type { EventStream } from './event-stream.js';
import type { QmpClientOptions, ReconnectOptions } from './options.js';
import type {
  ClientCommandMap,
  DescriptorToSend,
  EventOf,
  ExecuteOptions,
  ExecuteParameters,
  OobName,
  QmpEvent,
  QmpGap,
  UntypedCommands,
  UntypedEvents,
} from './types.js';

export type ClientState = 'connected' | 'reconnecting' | 'closed';

const defaultConnectTimeoutMs = 10_000;
const closeLimitMs = 1000;
/** Events that are held back at most while a snapshot is taken; with more of them it is given up. */
const mostHeldEvents = 1024;
const defaultDelayMs = 100;
const defaultMaxDelayMs = 5000;
const defaultSnapshot = ['query-status', 'query-migrate'];
const defaultStreamCapacity = 1024;

/** Holds back the events of a new connection while the snapshot is taken that goes before them. */
interface Gate {
  held: JsonObject[] | undefined;
  /** Called when no more can be held back. */
  onFull?: () => void;
}

/** A client of a QMP server, QEMU or another. */
export class QmpClient<
  Commands extends ClientCommandMap<Commands> = UntypedCommands,
  Events = UntypedEvents,
> {
  readonly #dial: (signal: AbortSignal) => Promise<Transport>;
  readonly #options: QmpClientOptions<Commands, Events>;
  readonly #clock: Clock;
  readonly #closeDescriptor: CloseDescriptor;
  readonly #abort = new AbortController();
  readonly #abortListeners = new AbortListeners();
  readonly #events: EventDistribution;
  #connection!: Connection;
  #state: ClientState = 'connected';
  #reconnectTimer: Timer | undefined;
  /** Told when the client is done for. */
  readonly #endListeners = new Set<(reason: Error | undefined) => void>();
  #resolveClosed!: (reason: Error | undefined) => void;
  /** Resolves when the client is done for, with what ended it if it was not closed. */
  readonly closed: Promise<Error | undefined> = new Promise((resolve) => {
    this.#resolveClosed = resolve;
  });

  private constructor(
    dial: (signal: AbortSignal) => Promise<Transport>,
    options: QmpClientOptions<Commands, Events>,
  ) {
    this.#dial = dial;
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    const { native, protocol } = options;
    this.#events = new EventDistribution(protocol && ((name, data) => protocol.decodeEvent(name, data)));
    this.#closeDescriptor = native === undefined ? closeDescriptor : (fd) => native.close(fd);
  }

  /**
   * Connects and negotiates.
   * @param address as {@link parseAddress} reads it, or what it makes; or a transport that is connected, which cannot be
   *   connected again
   */
  static async connect<Commands extends ClientCommandMap<Commands> = UntypedCommands, Events = UntypedEvents>(
    address: string | SocketAddress | Transport,
    options: QmpClientOptions<Commands, Events> = {},
  ): Promise<QmpClient<Commands, Events>> {
    const parsed = typeof address === 'string' ? parseAddress(address) : address;
    const isTransport = 'start' in parsed;
    if (options.reconnect !== undefined && (isTransport || parsed.kind === 'fd')) {
      throw new TypeError('only what has an address can be connected again');
    }
    const dial = isTransport
      ? () => Promise.resolve(parsed)
      : (signal: AbortSignal) =>
          connectTransport(parsed, { native: options.native, tls: options.tls, signal });
    const client = new QmpClient<Commands, Events>(dial, options);
    const first = options.awaitServer
      ? (signal: AbortSignal) => awaitServer(dial, client.#clock, signal)
      : dial;
    client.#connection = await client.#open(first, options.signal, { held: undefined });
    if (client.#connection.isClosed) client.#lost(undefined);
    return client;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** What the server said of itself: `{"qemu": {"major", "minor", "micro"}, "package"}`. */
  get version(): JsonValue | undefined {
    return this.#connection.greeting.version;
  }

  get oobEnabled(): boolean {
    return this.#connection.oobEnabled;
  }

  /**
   * Executes a command and returns what it returns. Commands may be issued without waiting for earlier ones.
   * @throws QmpCommandError, QmpTimeoutError, QmpDisconnectedError, QmpReplyError, or the reason of the signal; TypeError or
   *   RangeError for what cannot be sent
   */
  execute<Name extends keyof Commands & string>(
    command: Name,
    ...[args, options]: ExecuteParameters<Commands[Name]['args']>
  ): Promise<Commands[Name]['returns']> {
    return this.#execute(command, args, options ?? {}, false) as Promise<Commands[Name]['returns']>;
  }

  /** Executes a command ahead of those that wait. */
  executeOob<Name extends OobName<Commands> & string>(
    command: Name,
    ...[args, options]: ExecuteParameters<Commands[Name]['args']>
  ): Promise<Commands[Name]['returns']> {
    return this.#execute(command, args, options ?? {}, true) as Promise<Commands[Name]['returns']>;
  }

  on<Name extends keyof Events & string>(
    name: Name,
    listener: (event: QmpEvent<Name, Events[Name]>) => void,
  ): this {
    this.#events.on(name, listener as EventListener);
    return this;
  }

  off<Name extends keyof Events & string>(
    name: Name,
    listener: (event: QmpEvent<Name, Events[Name]>) => void,
  ): this {
    this.#events.off(name, listener as EventListener);
    return this;
  }

  /**
   * The next event of that name for which `condition` holds, in this connection or one that follows it.
   * @throws QmpDisconnectedError when the client ends first; the reason of the signal; what `condition` throws
   */
  once<Name extends keyof Events & string>(
    name: Name,
    options: {
      readonly condition?: (event: QmpEvent<Name, Events[Name]>) => boolean;
      readonly signal?: AbortSignal;
    } = {},
  ): Promise<QmpEvent<Name, Events[Name]>> {
    const { condition, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const stop = () => {
        this.off(name, listener);
        this.#endListeners.delete(end);
        if (signal !== undefined) this.#abortListeners.remove(signal, abort);
      };
      const listener = (event: QmpEvent<Name, Events[Name]>) => {
        try {
          if (condition !== undefined && !condition(event)) return;
          resolve(event);
        } catch (error) {
          reject(error);
        }
        stop();
      };
      const abort = () => {
        stop();
        reject(signal!.reason);
      };
      const end = (cause: Error | undefined) => {
        stop();
        reject(new QmpDisconnectedError(`the client ended before ${name} came`, undefined, { cause }));
      };
      if (this.#state === 'closed') {
        end(undefined);
        return;
      }
      this.on(name, listener);
      this.#endListeners.add(end);
      if (signal !== undefined) this.#abortListeners.add(signal, abort);
    });
  }

  /** Calls `listener` whenever the connection was lost and regained, until the returned function is called. */
  onGap(listener: (gap: QmpGap) => void): () => void {
    return this.#events.onGap(listener);
  }

  /**
   * All events from now on, and the gaps between them, in order. While nobody reads, `capacity` of them are kept
   * (1024 unless given) and then the oldest dropped, which is counted and told.
   */
  events(capacity = defaultStreamCapacity): EventStream<EventOf<Events> | QmpGap> {
    const stream = this.#events.stream(capacity);
    if (this.#state === 'closed') stream.end();
    return stream as unknown as EventStream<EventOf<Events> | QmpGap>;
  }

  /**
   * Disconnects: what was sent reaches the server, if it reads within a second, and commands whose reply did not come are
   * rejected. Resolves when the connection is closed. Idempotent.
   */
  async close(): Promise<void> {
    this.#finish(undefined);
    this.#connection.end();
    const timer = this.#clock.setTimer(() => this.#connection.destroy(), closeLimitMs);
    await this.#connection.closed;
    timer.cancel();
  }

  /** Disconnects at the end of an `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #connectTimeoutMs(): number {
    return this.#options.connectTimeoutMs ?? defaultConnectTimeoutMs;
  }

  async #execute(
    command: string,
    args: unknown,
    options: ExecuteOptions,
    outOfBand: boolean,
  ): Promise<unknown> {
    const { protocol } = this.#options;
    let fds: readonly number[] = [];
    let encoded: JsonObject | undefined;
    try {
      if (this.#state !== 'connected') throw new QmpDisconnectedError(`the client is ${this.#state}`);
      if (outOfBand && !this.oobEnabled) {
        throw new TypeError(`${command} cannot be executed out of band: the server does not offer it`);
      }
      encoded = protocol ? protocol.encodeArguments(command, args) : (args as JsonObject | undefined);
      if (options.fds !== undefined && options.fds.length > 0) fds = this.#takeDescriptors(options.fds);
    } catch (error) {
      closeHandedOver(options.fds ?? [], this.#closeDescriptor);
      throw error;
    }
    const failed: FailedCommand = { command, arguments: args };
    const value = await this.#connection.execute({
      command,
      args: encoded,
      outOfBand,
      id: options.id,
      fds,
      timeoutMs: options.timeoutMs ?? this.#options.timeoutMs,
      signal: options.signal,
      failed,
    });
    if (protocol === undefined) return value;
    try {
      return protocol.decodeReturn(command, value);
    } catch (error) {
      throw new QmpReplyError(value, failed, error as Error);
    }
  }

  #takeDescriptors(given: readonly DescriptorToSend[]): readonly number[] {
    const { native } = this.#options;
    if (!this.#connection.carriesDescriptors || native === undefined) {
      throw new TypeError('descriptors can only be sent over a unix socket, and with the addon');
    }
    return takeDescriptors(given, native);
  }

  async #open(
    dial: (signal: AbortSignal) => Promise<Transport>,
    signal: AbortSignal | undefined,
    gate: Gate,
  ): Promise<Connection> {
    const timeoutMs = this.#connectTimeoutMs;
    const timeout = new AbortController();
    let connected = false;
    const timer = this.#clock.setTimer(() => {
      // QEMU takes the connection, and greets when the client before has gone.
      const hint = connected ? ': a monitor serves one client at a time, and may have another' : '';
      timeout.abort(new QmpDisconnectedError(`there is no QMP session after ${timeoutMs} ms${hint}`));
    }, timeoutMs);
    const signals = [this.#abort.signal, timeout.signal, ...(signal === undefined ? [] : [signal])];
    const combined = AbortSignal.any(signals);
    try {
      const transport = await dial(combined);
      connected = true;
      const connection = await Connection.open(transport, {
        clock: this.#clock,
        closeDescriptor: this.#closeDescriptor,
        abortListeners: this.#abortListeners,
        signal: combined,
        onEvent: (message) => {
          if (gate.held === undefined) this.#events.deliver(message);
          else if (gate.held.push(message) === mostHeldEvents) gate.onFull?.();
        },
        onClosed: (reason) => this.#lost(reason),
      });
      if (connection.isClosed) throw new QmpDisconnectedError('the server closed the connection');
      return connection;
    } finally {
      timer.cancel();
    }
  }

  #lost(reason: Error | undefined): void {
    // A connection that fails while it is opened is for the opener to handle.
    if (this.#state !== 'connected' || this.#connection === undefined) return;
    if (this.#options.reconnect === undefined) {
      this.#finish(reason ?? new QmpDisconnectedError('the server closed the connection'));
      return;
    }
    this.#state = 'reconnecting';
    const settings = this.#options.reconnect === true ? {} : this.#options.reconnect;
    this.#reconnectLater(
      settings,
      settings.delayMs ?? defaultDelayMs,
      reason,
      this.#clock.wallMicroseconds(),
    );
  }

  #reconnectLater(
    settings: ReconnectOptions,
    delayMs: number,
    reason: Error | undefined,
    lostAt: number,
  ): void {
    this.#reconnectTimer = this.#clock.setTimer(async () => {
      const gate: Gate = { held: [] };
      try {
        const connection = await this.#open(this.#dial, undefined, gate);
        if (this.#state === 'closed') {
          connection.destroy();
          return;
        }
        this.#connection = connection;
        this.#state = 'connected';
        if (connection.isClosed) this.#lost(reason);
      } catch {
        if (this.#state === 'closed') return;
        const next = Math.min(delayMs * 2, settings.maxDelayMs ?? defaultMaxDelayMs);
        this.#reconnectLater(settings, next, reason, lostAt);
        return;
      }
      const regainedAt = this.#clock.wallMicroseconds();
      const snapshot = await this.#takeSnapshot(settings.snapshot ?? defaultSnapshot, gate);
      this.#deliverGap({ type: 'gap', reason, lostAt, regainedAt, snapshot }, gate);
    }, delayMs);
  }

  /** What was said in time, by commands that did not fail. */
  async #takeSnapshot(commands: readonly string[], gate: Gate): Promise<Record<string, unknown>> {
    const timeoutMs = this.#connectTimeoutMs;
    const results = new Map<string, unknown>();
    const asked = commands.map(async (command) => {
      results.set(command, await this.#execute(command, undefined, { timeoutMs }, false));
    });
    const full = new Promise<void>((resolve) => {
      gate.onFull = resolve;
    });
    await Promise.race([Promise.allSettled(asked), full]);
    return Object.fromEntries(
      commands.filter((name) => results.has(name)).map((name) => [name, results.get(name)]),
    );
  }

  #deliverGap(gap: QmpGap, gate: Gate): void {
    this.#events.deliverGap(gap);
    const held = gate.held ?? [];
    gate.held = undefined;
    for (const message of held) this.#events.deliver(message);
  }

  #finish(reason: Error | undefined): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#abort.abort(new QmpDisconnectedError('the client was closed'));
    this.#reconnectTimer?.cancel();
    for (const listener of [...this.#endListeners]) listener(reason);
    this.#events.end();
    this.#resolveClosed(reason);
  }
}
