import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { Clock, Timer } from '@godwit/clock';
import type { Native } from '@godwit/native';
import type { Transport } from '../transport.js';
import { formatAddress, type SocketAddress } from '../transports/address.js';
import { connectTransport } from '../transports/connect.js';
import { type Authorize, Listener } from '../transports/listener.js';

/** What takes connections: a monitor, or anything else that a client can be at the other end of. */
export interface Connectable {
  /** Names it in reports. */
  readonly label: string;
  /** Takes a connection; resolves at its end, with the reason if it did not end in the usual way. */
  attach(transport: Transport): Promise<Error | undefined>;
}

/** How clients reach a monitor. */
export type MonitorEndpoint =
  /** Clients connect; one is served at a time and the next one waits. */
  | {
      readonly kind: 'listen';
      readonly address: SocketAddress;
      readonly tls?: TlsOptions | undefined;
      readonly authorize?: Authorize | undefined;
    }
  /** The monitor connects, and does so again after a disconnect when `reconnectMs` is given. */
  | {
      readonly kind: 'connect';
      readonly address: SocketAddress;
      readonly reconnectMs?: number | undefined;
      readonly tls?: ConnectionOptions | undefined;
      /** Told of the first failure to connect since the last connection. */
      readonly onFailure?: ((error: Error) => void) | undefined;
    }
  /** A stream that is there already, such as standard input and output. */
  | { readonly kind: 'stream'; readonly transport: Transport };

export interface MonitorServerOptions {
  readonly clock: Clock;
  readonly native?: Native | undefined;
  /** Told of every client that was lost for a reason, and of connections that failed. */
  readonly onReport?: (message: string) => void;
}

/** So many connections may wait for the one that is served; more are refused. */
const waitingLimit = 16;

/** Brings clients to one monitor. */
export class MonitorServer {
  readonly #monitor: Connectable;
  readonly #endpoint: MonitorEndpoint;
  readonly #options: MonitorServerOptions;
  readonly #waiting: Transport[] = [];
  readonly #abort = new AbortController();
  #listener: Listener | undefined;
  #failureTold = false;
  #reconnectTimer: Timer | undefined;
  #serving: Transport | undefined;
  #closed = false;
  #firstClient!: () => void;
  /** Resolves when the first client has connected: what `wait=on` waits for. */
  readonly firstClient: Promise<void> = new Promise((resolve) => {
    this.#firstClient = resolve;
  });

  private constructor(monitor: Connectable, endpoint: MonitorEndpoint, options: MonitorServerOptions) {
    this.#monitor = monitor;
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /**
   * Listens, or connects.
   * @throws Error when it cannot listen, or cannot connect and is not to try again
   */
  static async open(
    monitor: Connectable,
    endpoint: MonitorEndpoint,
    options: MonitorServerOptions,
  ): Promise<MonitorServer> {
    const server = new MonitorServer(monitor, endpoint, options);
    await server.#open();
    return server;
  }

  /** Where it listens. */
  get address(): SocketAddress | undefined {
    return this.#listener?.address;
  }

  /** Whether a client is served now. */
  get occupied(): boolean {
    return this.#serving !== undefined;
  }

  /** Serves a client that came in another way. False, and nothing is done, while another one is served. */
  addClient(transport: Transport): boolean {
    if (this.#closed || this.occupied) return false;
    void this.#serve(transport);
    return true;
  }

  /** Breaks the connection that is served, if there is one; the next one may come. */
  disconnect(): void {
    this.#serving?.destroy();
  }

  /** Accepts and connects no more, and turns away who waits. The client that is connected stays, for the monitor to close. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#abort.abort();
    this.#reconnectTimer?.cancel();
    for (const transport of this.#waiting.splice(0)) transport.destroy();
    await this.#listener?.close();
  }

  async #open(): Promise<void> {
    const endpoint = this.#endpoint;
    switch (endpoint.kind) {
      case 'listen':
        this.#listener = await Listener.open({
          address: endpoint.address,
          native: this.#options.native,
          tls: endpoint.tls,
          authorize: endpoint.authorize,
          onConnection: (transport) => this.#accept(transport),
          onError: (error) => this.#report(error.message),
        });
        return;
      case 'connect':
        await this.#connect(endpoint.reconnectMs === undefined);
        return;
      case 'stream':
        this.#accept(endpoint.transport);
    }
  }

  async #connect(mustSucceed: boolean): Promise<void> {
    const endpoint = this.#endpoint;
    if (endpoint.kind !== 'connect' || this.#closed) return;
    try {
      const transport = await connectTransport(endpoint.address, {
        native: this.#options.native,
        tls: endpoint.tls,
        signal: this.#abort.signal,
      });
      this.#failureTold = false;
      this.#accept(transport);
    } catch (error) {
      if (mustSucceed) throw error;
      if (this.#closed) return;
      if (!this.#failureTold) endpoint.onFailure?.(error as Error);
      this.#failureTold = true;
      this.#reconnectLater(endpoint.reconnectMs);
    }
  }

  #reconnectLater(reconnectMs: number | undefined): void {
    if (reconnectMs === undefined || this.#closed) return;
    this.#reconnectTimer = this.#options.clock.setTimer(() => void this.#connect(false), reconnectMs);
  }

  #accept(transport: Transport): void {
    if (this.#closed) transport.destroy();
    else if (!this.occupied) void this.#serve(transport);
    else if (this.#waiting.length < waitingLimit) this.#waiting.push(transport);
    else {
      transport.destroy();
      this.#report(`a connection was refused: ${waitingLimit} others wait`);
    }
  }

  async #serve(transport: Transport): Promise<void> {
    this.#serving = transport;
    const ended = this.#monitor.attach(transport);
    this.#firstClient();
    const reason = await ended;
    this.#serving = undefined;
    if (reason !== undefined) this.#report(`the client was lost: ${reason.message}`);
    const next = this.#waiting.shift();
    if (next !== undefined) void this.#serve(next);
    else if (this.#endpoint.kind === 'connect') this.#reconnectLater(this.#endpoint.reconnectMs);
  }

  #report(message: string): void {
    const where = this.#endpoint.kind === 'stream' ? '' : ` (${formatAddress(this.#endpoint.address)})`;
    this.#options.onReport?.(`monitor ${this.#monitor.label}${where}: ${message}`);
  }
}
