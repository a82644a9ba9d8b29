import { randomBytes, type X509Certificate } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { Clock, Timer } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { Listener, SocketAddress, Transport } from '@godwit/qmp';
import type { GuestConsole } from '../console/index.js';
import type { Emit } from '../events.js';
import type { VncBasicInfo, VncClientInfo, VncServerInfo } from '../generated/index.js';
import { distinguishedName } from '../objects/tls/distinguished-name.js';
import { authenticationText, NO_AUTHENTICATION, type VncAuthentication } from './authentication.js';
import type { VncAddress, VncConfiguration } from './configuration.js';
import { connect, endpointInfo, listen, resolved } from './listening.js';
import { CHALLENGE_SIZE, Password } from './password.js';
import type { PowerAction } from './power-control.js';
import { VncSession } from './session.js';
import { upgradeWebViewer } from './web-viewer.js';

/** At most so often is the picture drawn anew, in milliseconds. */
const FRAME_MS = 30;

/** How viewers are spoken to over TLS. */
export interface VncTls {
  readonly kind: 'x509' | 'tls';
  /** The credentials' type, for errors. */
  readonly type: string;
  /** Made anew for each viewer: the certificates may have been read again. */
  options(): TlsOptions;
  /** Whether who has shown a certificate with this name is let in. Absent where no names are asked for. */
  readonly allows?: ((name: string) => boolean) | undefined;
  /** Reads the certificates again. Absent where there are none. @throws QapiError, and keeps those that it had */
  readonly reload?: () => Promise<void>;
}

export interface VncServerOptions {
  readonly configuration: VncConfiguration;
  readonly console: GuestConsole;
  /** What viewers call their window. */
  readonly title: string;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly native?: Native | undefined;
  readonly tls?: VncTls | undefined;
  /** What viewers do to the machine where they may. */
  readonly power: (action: PowerAction) => void;
}

interface Client {
  readonly session: VncSession;
  info: VncClientInfo;
  /** As events tell it: who it has shown to be is told of a client that was let in. */
  announced: VncClientInfo;
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
  #listeners: readonly Listener[] = [];
  /** Viewers that run in web pages come here. */
  #webListener: Listener | undefined;
  #frame: Timer | undefined;

  /** @throws Error when its address does not resolve or cannot be listened on */
  static async open(options: VncServerOptions): Promise<VncServer> {
    const server = new VncServer(options);
    const { address, reverse, webAddress } = options.configuration;
    if (address === undefined) return server;
    try {
      if (reverse) server.accept(await connect(address, options.native), peerAt(address));
      else await server.listen([address]);
      if (webAddress !== undefined) await server.#listenForPages(webAddress);
      return server;
    } catch (error) {
      await server.closeListener();
      throw error;
    }
  }

  private constructor(options: VncServerOptions) {
    this.#options = options;
    const { display } = options.console;
    this.#unwatch = display.watch({ stale: () => this.#drawLater(), drawn: () => {}, resized: () => {} });
  }

  get id(): string {
    return this.#options.configuration.id;
  }

  get authentication(): VncAuthentication {
    const { configuration, tls } = this.#options;
    return { password: configuration.password, tls: tls?.kind };
  }

  /** Where it listens; nowhere where viewers come by `add_client` alone. */
  get addresses(): readonly VncBasicInfo[] {
    return this.#listeners.map(({ address }) => endpointInfo(address));
  }

  /** Where viewers that run in web pages come to, and what is asked of them. */
  get webAddress(): VncBasicInfo | undefined {
    const listener = this.#webListener;
    return listener === undefined ? undefined : { ...endpointInfo(listener.address), websocket: true };
  }

  get webAuthentication(): VncAuthentication {
    return { password: this.#options.configuration.password };
  }

  /** Who looks, or is about to; who came last is first. */
  get clients(): readonly VncClientInfo[] {
    return this.#clients.map(({ info }) => info).reverse();
  }

  /** Whether it takes a password. Behind TLS one can be given that nobody is asked for. */
  get takesPassword(): boolean {
    const { password, tls } = this.authentication;
    return password || tls !== undefined;
  }

  /** False where it takes none. Who is connected stays. */
  setPassword(password: string): boolean {
    if (!this.takesPassword) return false;
    this.#password.set(password);
    return true;
  }

  /** Reads the certificates again, for viewers to come. @throws QapiError */
  async reloadCertificates(): Promise<void> {
    const { tls } = this.#options;
    if (tls === undefined) throw new QapiError('GenericError', 'vnc tls is not enabled');
    if (tls.reload === undefined) {
      throw new QapiError('GenericError', `${tls.type} doesn't support to reload TLS credential`);
    }
    await tls.reload();
  }

  /** @param seconds since 1970, the last in which the password is good */
  expirePassword(seconds: number): void {
    this.#password.expireAt(seconds);
  }

  /**
   * Listens at these addresses from now on, and no more at others; who is connected stays.
   * @throws Error when one cannot be listened on; it goes on where it has listened then
   */
  async listen(addresses: readonly VncAddress[]): Promise<void> {
    const { native } = this.#options;
    const kept: Listener[] = [];
    const opened: Listener[] = [];
    try {
      for (const wanted of addresses) {
        const address = await resolved(wanted);
        const same = this.#listeners.find((each) => isAt(each.address, address));
        if (same !== undefined) kept.push(same);
        else opened.push(await listen(address, native, (transport, peer) => this.accept(transport, peer)));
      }
    } catch (error) {
      for (const listener of opened) await listener.close();
      throw error;
    }
    const before = this.#listeners;
    this.#listeners = [...kept, ...opened];
    for (const listener of before) if (!kept.includes(listener)) await listener.close();
  }

  /**
   * Makes whoever is at the other end a client.
   * @param skipSecurity it need not speak TLS, nor show that it knows the password
   */
  accept(transport: Transport, peer: SocketAddress, skipSecurity = false): void {
    this.#accept(transport, endpointInfo(peer), skipSecurity ? NO_AUTHENTICATION : this.authentication);
  }

  #accept(transport: Transport, info: VncBasicInfo, authentication: VncAuthentication): void {
    const { console, clock, title, tls } = this.#options;
    const { display } = console;
    const removeViewer = console.addViewer();
    display.refresh();
    const identified = (certificate: X509Certificate | undefined) => this.#identify(client, certificate);
    const webViewer = { clock, tls: tls?.options, identified };
    const session = new VncSession({
      transport,
      upgrade: info.websocket ? (connection) => upgradeWebViewer(connection, webViewer) : undefined,
      clock,
      display,
      title,
      authentication,
      tls: () => this.#options.tls?.options() ?? {},
      identified,
      challenge: () => randomBytes(CHALLENGE_SIZE),
      accepts: (challenge, response) =>
        this.#password.accepts(challenge, response, Math.floor(clock.wallMicroseconds() / 1e6)),
      admit: (shared) => this.#admit(client, shared),
      typed: (bytes) => console.type(bytes),
      power: this.#options.configuration.powerControl === true ? this.#options.power : undefined,
      closed: () => this.#remove(client),
    });
    const stopWatching = display.watch(session);
    const client: Client = {
      session,
      info,
      announced: info,
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
    for (const listener of this.#listeners) await listener.close();
    await this.#webListener?.close();
  }

  async #listenForPages(wanted: VncAddress): Promise<void> {
    const address = await resolved(wanted);
    this.#webListener = await listen(address, this.#options.native, (transport, peer) =>
      this.#accept(transport, { ...endpointInfo(peer), websocket: true }, this.webAuthentication),
    );
  }

  /** Notes who the client has shown to be. Returns whether that one is let in. */
  #identify(client: Client, certificate: X509Certificate | undefined): boolean {
    if (certificate === undefined) return true;
    const name = distinguishedName(certificate);
    client.info = { ...client.info, x509_dname: name };
    return this.#options.tls?.allows?.(name) ?? true;
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
    client.announced = client.info;
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

  #tell(event: 'VNC_CONNECTED' | 'VNC_INITIALIZED' | 'VNC_DISCONNECTED', { announced }: Client): void {
    const server = this.#serverInfo();
    if (server !== undefined) this.#options.emit(event, { server, client: announced });
  }

  #serverInfo(): VncServerInfo | undefined {
    const [address] = this.addresses;
    return address === undefined ? undefined : { ...address, auth: authenticationText(this.authentication) };
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

function isAt(bound: SocketAddress, address: VncAddress): boolean {
  if (address.kind === 'unix') return bound.kind === 'unix' && bound.path === address.path;
  return (
    bound.kind === 'tcp' &&
    bound.host === address.host &&
    bound.port >= address.port &&
    bound.port <= address.lastPort
  );
}

function peerAt(address: VncAddress): SocketAddress {
  return address.kind === 'unix' ? address : { kind: 'tcp', host: address.host, port: address.port };
}
