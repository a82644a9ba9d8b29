import {
  type Connectable,
  connectedTransport,
  formatAddress,
  type MonitorEndpoint,
  MonitorServer,
  type SocketAddress,
  StreamTransport,
  type Transport,
} from '@godwit/qmp';
import type { MachineEnvironment } from '../machine-environment.js';
import { QomObject } from '../qom/object.js';
import { systemReason } from '../system-reason.js';
import type { ChardevConfiguration, SocketChardev } from './configuration.js';
import { fileTransport } from './file.js';

/** What uses a character device: a monitor, or a serial port. It gets one connection at a time. */
export type ChardevFrontend = Connectable;

/** A character device: a place where bytes come from and go to, and at most one frontend that uses it. */
export class CharacterDevice extends QomObject {
  readonly configuration: ChardevConfiguration;
  readonly #environment: MachineEnvironment;
  #frontend: ChardevFrontend | undefined;
  #server: MonitorServer | undefined;
  /** A client that was passed to it before it had a frontend. */
  #early: Transport | undefined;

  constructor(configuration: ChardevConfiguration, environment: MachineEnvironment) {
    super(`chardev-${configuration.kind}`);
    this.configuration = configuration;
    this.#environment = environment;
  }

  get id(): string {
    return this.configuration.id;
  }

  /** What uses it. */
  get frontend(): ChardevFrontend | undefined {
    return this.#frontend;
  }

  /** Whether something uses it. */
  get busy(): boolean {
    return this.#frontend !== undefined;
  }

  /** What it is connected to, as query-chardev shows it. */
  get filename(): string {
    const { configuration } = this;
    switch (configuration.kind) {
      case 'socket':
        return socketFilename(configuration);
      case 'file':
        return 'file';
      default:
        return configuration.kind;
    }
  }

  /**
   * Gives it to a frontend: listens, connects or opens.
   * @throws Error when it has a frontend, or cannot be opened
   */
  async open(frontend: ChardevFrontend): Promise<void> {
    if (this.#frontend !== undefined) throw new Error(`Device '${this.id}' is in use`);
    this.#frontend = frontend;
    const endpoint = await this.#endpoint();
    if (endpoint === undefined) return;
    const { clock, native, warn } = this.#environment;
    try {
      this.#server = await MonitorServer.open(frontend, endpoint, { clock, native, onReport: warn });
    } catch (cause) {
      const verb = endpoint.kind === 'listen' ? 'bind' : 'connect';
      const where = endpoint.kind === 'stream' ? '' : ` to ${bareAddress(endpoint.address)}`;
      throw new Error(`Failed to ${verb} socket${where}: ${systemReason(cause)}`, { cause });
    }
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined && !this.#server.addClient(early)) early.destroy();
  }

  /**
   * Makes a connected socket its client (`add_client`). The descriptor is its own when it returns true.
   * False: it is no socket device, or has a client.
   */
  addClient(fd: number): boolean {
    if (this.configuration.kind !== 'socket' || this.#early !== undefined) return false;
    if (this.#server?.occupied === true) return false;
    const transport = connectedTransport(fd, this.#environment.native);
    if (this.#server === undefined) this.#early = transport;
    else this.#server.addClient(transport);
    return true;
  }

  /** Resolves when the first client is there, for a device that was told to wait for it. */
  async awaitClient(): Promise<void> {
    const { configuration } = this;
    if (configuration.kind !== 'socket' || !configuration.wait || this.#server === undefined) return;
    this.#environment.warn(`waiting for connection on: disconnected:${this.filename}`);
    await this.#server.firstClient;
  }

  /** Breaks the connection to its client; a device that connects by itself may do so again. */
  disconnect(): void {
    this.#server?.disconnect();
  }

  async close(): Promise<void> {
    this.#frontend = undefined;
    this.#early?.destroy();
    this.#early = undefined;
    await this.#server?.close();
    this.#server = undefined;
  }

  async #endpoint(): Promise<MonitorEndpoint | undefined> {
    const { configuration } = this;
    switch (configuration.kind) {
      case 'socket':
        return { kind: configuration.server ? 'listen' : 'connect', address: socketAddress(configuration) };
      case 'file':
        return { kind: 'stream', transport: await fileTransport(configuration) };
      case 'stdio': {
        const { stdio } = this.#environment;
        if (stdio === undefined) throw new Error('there is no standard input and output');
        return { kind: 'stream', transport: new StreamTransport(stdio) };
      }
      case 'null':
      case 'ringbuf':
        return undefined;
    }
  }
}

function bareAddress(address: SocketAddress): string {
  return address.kind === 'unix' ? address.path : formatAddress(address).replace(/^[a-z]+:/, '');
}

function socketAddress({ endpoint }: SocketChardev) {
  switch (endpoint.type) {
    case 'unix':
      return { kind: 'unix', path: endpoint.path } as const;
    case 'inet':
      return { kind: 'tcp', host: endpoint.host, port: endpoint.port } as const;
    case 'fd':
      return { kind: 'fd', fd: Number(endpoint.name) } as const;
  }
}

function socketFilename({ endpoint, server }: SocketChardev): string {
  const suffix = server ? ',server=on' : '';
  switch (endpoint.type) {
    case 'unix':
      return `unix:${endpoint.path}${suffix}`;
    case 'inet':
      return `tcp:${endpoint.host}:${endpoint.port}${suffix}`;
    case 'fd':
      return `fd:${endpoint.name}${suffix}`;
  }
}
