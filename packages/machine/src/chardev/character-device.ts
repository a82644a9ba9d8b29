import {
  connectedTransport,
  type FdSets,
  formatAddress,
  type MonitorEndpoint,
  MonitorServer,
  type SocketAddress,
  StreamTransport,
} from '@godwit/qmp';
import type { MachineEnvironment } from '../machine-environment.js';
import { QomObject } from '../qom/object.js';
import { systemReason } from '../system-reason.js';
import type { ChardevConfiguration, SocketChardev } from './configuration.js';
import { fileTransport } from './file.js';
import { type ChardevFrontend, FrontendSlot } from './frontend-slot.js';
import { RingBuffer } from './ring-buffer.js';

/** A character device: a place where bytes come from and go to, and at most one frontend that uses it. */
export class CharacterDevice extends QomObject {
  readonly configuration: ChardevConfiguration;
  /** What a device of the kind `ringbuf` keeps. */
  readonly ring: RingBuffer | undefined;
  readonly #environment: MachineEnvironment;
  readonly #slot: FrontendSlot;
  #server: MonitorServer | undefined;

  /**
   * Opens the device: listens, connects, or opens a file.
   * @throws Error when that fails
   */
  static async open(
    configuration: ChardevConfiguration,
    environment: MachineEnvironment,
    fdSets: FdSets,
  ): Promise<CharacterDevice> {
    const device = new CharacterDevice(configuration, environment);
    await device.#open(fdSets);
    return device;
  }

  private constructor(configuration: ChardevConfiguration, environment: MachineEnvironment) {
    super(`chardev-${configuration.kind}`);
    this.configuration = configuration;
    this.#environment = environment;
    this.#slot = new FrontendSlot(configuration.id);
    this.ring = configuration.kind === 'ringbuf' ? new RingBuffer(configuration.size) : undefined;
  }

  get id(): string {
    return this.configuration.id;
  }

  /** What uses it. */
  get frontend(): ChardevFrontend | undefined {
    return this.#slot.frontend;
  }

  /** What it is connected to, as query-chardev shows it. */
  get filename(): string {
    const { configuration } = this;
    if (configuration.kind !== 'socket') return configuration.kind;
    const connected = this.#server?.occupied === true;
    return `${connected ? '' : 'disconnected:'}${socketFilename(configuration)}`;
  }

  /** Gives it to a frontend. @throws Error when it has one */
  use(frontend: ChardevFrontend): void {
    if (this.frontend !== undefined) throw new Error(`Device '${this.id}' is in use`);
    this.#slot.connect(frontend);
  }

  /**
   * Makes a connected socket its client (`add_client`). The descriptor is its own when it returns true.
   * False: it is no socket device, or has a client.
   */
  addClient(fd: number): boolean {
    if (this.configuration.kind !== 'socket' || this.#server === undefined || this.#server.occupied)
      return false;
    return this.#server.addClient(connectedTransport(fd, this.#environment.native));
  }

  /** Resolves when the first client is there, for a device that was told to wait for it. */
  async awaitClient(): Promise<void> {
    const { configuration } = this;
    if (configuration.kind !== 'socket' || !configuration.wait || this.#server === undefined) return;
    this.#environment.warn(`waiting for connection on: ${this.filename}`);
    await this.#server.firstClient;
  }

  /** Breaks the connection to its client; a device that connects by itself may do so again. */
  disconnect(): void {
    this.#server?.disconnect();
  }

  async close(): Promise<void> {
    this.#slot.close();
    await this.#server?.close();
    this.#server = undefined;
  }

  async #open(fdSets: FdSets): Promise<void> {
    const endpoint = await this.#endpoint(fdSets);
    if (endpoint === undefined) return;
    const { clock, native, warn } = this.#environment;
    try {
      this.#server = await MonitorServer.open(this.#slot, endpoint, { clock, native, onReport: warn });
    } catch (cause) {
      const verb = endpoint.kind === 'listen' ? 'bind' : 'connect';
      const where = endpoint.kind === 'stream' ? '' : ` to ${bareAddress(endpoint.address)}`;
      throw new Error(`Failed to ${verb} socket${where}: ${systemReason(cause)}`, { cause });
    }
  }

  async #endpoint(fdSets: FdSets): Promise<MonitorEndpoint | undefined> {
    const { configuration, ring } = this;
    switch (configuration.kind) {
      case 'socket':
        return { kind: configuration.server ? 'listen' : 'connect', address: socketAddress(configuration) };
      case 'file':
        return { kind: 'stream', transport: await fileTransport(configuration, fdSets) };
      case 'stdio': {
        const { stdio } = this.#environment;
        if (stdio === undefined) throw new Error('there is no standard input and output');
        return { kind: 'stream', transport: new StreamTransport(stdio) };
      }
      case 'ringbuf':
        return ring === undefined ? undefined : { kind: 'stream', transport: ring.transport() };
      case 'null':
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
