import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import type { Clock, Timer } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { Listener, type SocketAddress, type Transport } from '@godwit/qmp';
import type { GuestConsole } from '../console/index.js';
import type { Emit } from '../events.js';
import type { VncBasicInfo, VncClientInfo, VncServerInfo } from '../generated/index.js';
import { systemReason } from '../system-reason.js';
import type { VncAddress, VncConfiguration } from './configuration.js';
import type { Security } from './handshake.js';
import { CHALLENGE_SIZE, Password } from './password.js';
import { VncSession } from './session.js';

/** At most so often is the picture drawn anew, in milliseconds. */
const FRAME_MS = 30;

export interface VncServerOptions {
  readonly configuration: VncConfiguration;
  readonly console: GuestConsole;
  /** What viewers call their window. */
  readonly title: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly native?: Native | undefined;
}

interface Client {
  readonly session: VncSession;
  readonly info: VncClientInfo;
  readonly removeViewer: () => void;
  /** It asked to be alone, and is. */
  exclusive: boolean;
}

/** Shows the guest's console to viewers, over the protocol of RFC 6143 (RFB). */
export class VncServer {
  readonly #options: VncServerOptions;
  readonly #password = new Password();
  /** In the order in which they came. */
  readonly #clients: Client[] = [];
  readonly #unwatch: () => void;
  #listener: Listener | undefined;
  #frame: Timer | undefined;

  /** @throws Error when its address does not resolve or cannot be listened on */
  static async open(options: VncServerOptions): Promise<VncServer> {
    const server = new VncServer(options);
    const { address } = options.configuration;
    if (address !== undefined) {
      try {
        server.#listener = await listen(address, options.native, (transport, peer) =>
          server.accept(transport, peer),
        );
      } catch (error) {
        server.close();
        throw error;
      }
    }
    return server;
  }

  private constructor(options: VncServerOptions) {
    this.#options = options;
    const { display } = options.console;
    this.#unwatch = display.watch({ stale: () => this.#drawLater(), drawn: () => {}, resized: () => {} });
  }

  get id(): string {
    return this.#options.configuration.id;
  }

  get security(): Security {
    return this.#options.configuration.password ? 'vnc' : 'none';
  }

  /** Where it listens; undefined where viewers come by `add_client` alone. */
  get address(): VncBasicInfo | undefined {
    return this.#listener === undefined ? undefined : endpointInfo(this.#listener.address);
  }

  /** Who looks, or is about to; who came last is first. */
  get clients(): readonly VncClientInfo[] {
    return this.#clients.map(({ info }) => info).reverse();
  }

  /** False where no password is asked for. Who is connected stays. */
  setPassword(password: string): boolean {
    if (this.security !== 'vnc') return false;
    this.#password.set(password);
    return true;
  }

  /** @param seconds since 1970, the last in which the password is good */
  expirePassword(seconds: number): void {
    this.#password.expireAt(seconds);
  }

  /**
   * Makes whoever is at the other end a client.
   * @param skipSecurity it need not show that it knows the password
   */
  accept(transport: Transport, peer: SocketAddress, skipSecurity = false): void {
    const { console, clock, title } = this.#options;
    const { display } = console;
    const removeViewer = console.addViewer();
    display.refresh();
    const session = new VncSession({
      transport,
      clock,
      display,
      title,
      security: skipSecurity ? 'none' : this.security,
      challenge: () => randomBytes(CHALLENGE_SIZE),
      accepts: (challenge, response) =>
        this.#password.accepts(challenge, response, Math.floor(clock.wallMicroseconds() / 1e6)),
      admit: (shared) => this.#admit(client, shared),
      typed: (bytes) => console.type(bytes),
      closed: () => this.#remove(client),
    });
    const stopWatching = display.watch(session);
    const client: Client = {
      session,
      info: endpointInfo(peer),
      exclusive: false,
      removeViewer: () => {
        stopWatching();
        removeViewer();
      },
    };
    this.#clients.push(client);
    this.#tell('VNC_CONNECTED', client);
    const connecting = this.#clients.filter((each) => !each.session.established);
    if (connecting.length > this.#options.configuration.connections) connecting[0]!.session.close();
  }

  /** Sends everybody away and listens no more. */
  close(): void {
    this.#unwatch();
    this.#frame?.cancel();
    for (const { session } of [...this.#clients]) session.close();
  }

  /** As {@link close}; resolves when the path of its socket is gone. */
  async closeListener(): Promise<void> {
    this.close();
    await this.#listener?.close();
  }

  #admit(client: Client, shared: boolean): boolean {
    const { share, connections } = this.#options.configuration;
    const others = this.#clients.filter((each) => each !== client && each.session.established);
    if (others.length >= connections) return false;
    if (share === 'force-shared' && !shared) return false;
    if (share === 'allow-exclusive') {
      if (shared && others.some(({ exclusive }) => exclusive)) return false;
      if (!shared) for (const { session } of others) session.close();
      client.exclusive = !shared;
    }
    this.#tell('VNC_INITIALIZED', client);
    return true;
  }

  #remove(client: Client): void {
    const index = this.#clients.indexOf(client);
    if (index < 0) return;
    this.#clients.splice(index, 1);
    client.removeViewer();
    this.#tell('VNC_DISCONNECTED', client);
  }

  #tell(event: 'VNC_CONNECTED' | 'VNC_INITIALIZED' | 'VNC_DISCONNECTED', { info }: Client): void {
    const server = this.#serverInfo();
    if (server !== undefined) this.#options.emit(event, { server, client: info });
  }

  #serverInfo(): VncServerInfo | undefined {
    const { address } = this;
    return address === undefined ? undefined : { ...address, auth: this.security };
  }

  #drawLater(): void {
    if (this.#frame !== undefined || this.#clients.length === 0) return;
    this.#frame = this.#options.clock.setTimer(() => {
      this.#frame = undefined;
      this.#options.console.display.refresh();
      for (const { session } of this.#clients) session.update();
    }, FRAME_MS);
  }
}

type OnConnection = (transport: Transport, peer: SocketAddress) => void;

async function listen(
  address: VncAddress,
  native: Native | undefined,
  onConnection: OnConnection,
): Promise<Listener> {
  if (address.kind === 'unix') {
    try {
      return await Listener.open({ address, native, onConnection });
    } catch (cause) {
      throw new Error(`Failed to bind socket to ${address.path}: ${systemReason(cause)}`, { cause });
    }
  }
  const host = await resolve(address.host, address.port);
  for (let port = address.port; ; port++) {
    try {
      return await Listener.open({ address: { kind: 'tcp', host, port }, onConnection });
    } catch (cause) {
      if (port < address.lastPort) continue;
      throw new Error(`Failed to find an available port: ${systemReason(cause)}`, { cause });
    }
  }
}

async function resolve(host: string, port: number): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new Error(`address resolution failed for ${host}:${port}: Name or service not known`, { cause });
  }
}

/** One end of a connection, as queries and events show it. */
function endpointInfo(address: SocketAddress): VncBasicInfo {
  if (address.kind !== 'tcp') {
    return {
      host: '',
      service: address.kind === 'unix' ? address.path : '',
      family: 'unix',
      websocket: false,
    };
  }
  const { host, port } = address;
  return { host, service: String(port), family: host.includes(':') ? 'ipv6' : 'ipv4', websocket: false };
}
