import { systemReason } from '@godwit/native';
import { connectedTransport, type FdSets, MonitorServer, StreamTransport, type Transport } from '@godwit/qmp';
import type { MachineEnvironment } from '../machine-environment.js';
import type { UserObjects } from '../objects/index.js';
import { QomObject } from '../qom/object.js';
import { acceptWebSocket } from '../websocket/index.js';
import type { ChardevConfiguration } from './configuration.js';
import { fileTransport } from './file.js';
import { type ChardevFrontend, FrontendSlot } from './frontend-slot.js';
import { refuseParallelPort, serialTransport } from './host-devices.js';
import { LogFile } from './log-file.js';
import { Mux } from './mux.js';
import { pipeTransport } from './pipe.js';
import { RingBuffer } from './ring-buffer.js';
import { boundPath, connectedFilename, disconnectedFilename, openSocket } from './socket.js';
import { type SocketEnds, tcpEnds, unixPath } from './socket-ends.js';
import { standardTransport } from './standard-streams.js';
import { TelnetTransport } from './telnet.js';
import { Terminal } from './terminal.js';
import { testDeviceTransport } from './test-device.js';
import { udpTransport } from './udp.js';
import { virtualConsoleTransport } from './virtual-console.js';

/** What character devices use of the machine that they belong to. */
export interface ChardevEnvironment extends MachineEnvironment {
  readonly fdSets: FdSets;
  readonly objects: UserObjects;
  /** The user of a shared device, or a test in the guest, asks for the end of the machine. */
  readonly onExit: (exitCode: number) => void;
  /** The user of the terminal has pressed Control-C. */
  readonly onInterrupt: () => void;
}

/** A character device: a place where bytes come from and go to, and at most one frontend that uses it. */
export class CharacterDevice extends QomObject {
  readonly configuration: ChardevConfiguration;
  /** What a device of the kind `ringbuf` keeps. */
  readonly ring: RingBuffer | undefined;
  /** What lets several frontends use a device of the kind `mux`. */
  readonly mux: Mux | undefined;
  readonly #environment: ChardevEnvironment;
  readonly #slot: FrontendSlot;
  #log: LogFile | undefined;
  #server: MonitorServer | undefined;
  #terminal: Terminal | undefined;
  /** The connection as it came, while there is one. */
  #connection: Transport | undefined;
  /** The connection that came with `add_client` last, and what it is between. */
  #passed: { readonly transport: Transport; readonly ends: SocketEnds | string } | undefined;
  /** The path of this side of connections that are not passed. */
  #boundPath = '';

  /**
   * Opens the device: listens, connects, or opens a file.
   * @throws Error when that fails
   */
  static async open(
    configuration: ChardevConfiguration,
    environment: ChardevEnvironment,
  ): Promise<CharacterDevice> {
    const device = new CharacterDevice(configuration, environment);
    try {
      await device.#open();
    } catch (error) {
      await device.close();
      throw error;
    }
    return device;
  }

  private constructor(configuration: ChardevConfiguration, environment: ChardevEnvironment) {
    super(`chardev-${configuration.kind}`);
    const { id, kind } = configuration;
    this.configuration = configuration;
    this.#environment = environment;
    this.#slot = new FrontendSlot({
      label: id,
      prepare: (connection) => this.#prepare(connection),
      clientsChange: kind === 'socket',
    });
    this.ring = kind === 'ringbuf' || kind === 'memory' ? new RingBuffer(configuration.size) : undefined;
    this.mux =
      kind === 'mux'
        ? new Mux({
            label: id,
            clock: environment.clock,
            expected: configuration.users ?? 0,
            onExit: () => environment.onExit(0),
          })
        : undefined;
  }

  get id(): string {
    return this.configuration.id;
  }

  /** What uses it. */
  get frontend(): ChardevFrontend | undefined {
    return this.#slot.frontend;
  }

  /** Whether anything uses it. */
  get used(): boolean {
    const { frontend } = this;
    if (this.mux !== undefined) return this.mux.used;
    return frontend instanceof Mux ? frontend.used : frontend !== undefined;
  }

  /** What it is connected to, as query-chardev shows it. */
  get filename(): string {
    const { configuration } = this;
    if (this.#terminal !== undefined) return `pty:${this.#terminal.path}`;
    if (configuration.kind !== 'socket') return configuration.kind;
    if (this.#server?.occupied !== true) return disconnectedFilename(configuration, this.#server?.address);
    const connection = this.#connection;
    const passed = this.#passed?.transport === connection ? this.#passed?.ends : undefined;
    const ends = passed ?? (connection instanceof StreamTransport ? connection.ends : undefined);
    return connectedFilename(configuration, ends ?? this.#boundPath);
  }

  /** The path of a terminal's other side. */
  get terminalPath(): string | undefined {
    return this.#terminal?.path;
  }

  /** Gives it to a frontend. @throws Error when it has one, and is not shared */
  use(frontend: ChardevFrontend): void {
    if (this.mux !== undefined) {
      this.mux.add(frontend);
      return;
    }
    if (this.frontend !== undefined) throw new Error(`Device '${this.id}' is in use`);
    const log = this.#log;
    if (log !== undefined) frontend.onUnheard = (bytes) => log.write(bytes);
    this.#slot.connect(frontend);
  }

  /**
   * Makes a connected socket its client (`add_client`). The descriptor is its own when it returns true.
   * False: it is no socket device, or has a client.
   */
  addClient(fd: number): boolean {
    if (this.configuration.kind !== 'socket' || this.#server === undefined || this.#server.occupied)
      return false;
    const transport = connectedTransport(fd, this.#environment.native);
    this.#passed = { transport, ends: tcpEnds(fd) ?? unixPath(fd) };
    return this.#server.addClient(transport);
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

  /** The line is held in its break condition, for those who use the device. */
  receiveBreak(): void {
    (this.mux ?? this.frontend)?.receiveBreak?.();
  }

  async close(): Promise<void> {
    this.#slot.close();
    this.#terminal?.close();
    await this.#server?.close();
    this.#server = undefined;
    await this.#log?.close();
    this.#log = undefined;
  }

  /** What every connection goes through. */
  #prepare(connection: Transport): Transport | Promise<Transport> {
    const { configuration } = this;
    this.#connection = connection;
    if (configuration.kind !== 'socket' || !configuration.websocket) return this.#wrap(connection);
    return acceptWebSocket(connection, this.#environment.clock).then((socket) => this.#wrap(socket));
  }

  #wrap(connection: Transport): Transport {
    const { configuration } = this;
    const plain =
      configuration.kind === 'socket' && (configuration.telnet || configuration.tn3270)
        ? new TelnetTransport(connection, {
            is3270: configuration.tn3270 === true,
            onBreak: () => this.receiveBreak(),
          })
        : connection;
    return this.#log === undefined ? plain : this.#log.around(plain);
  }

  async #open(): Promise<void> {
    const { configuration } = this;
    const { log } = configuration;
    const { warn, native, clock, fdSets } = this.#environment;
    if (log !== undefined) this.#log = await LogFile.open(log, fdSets, warn);
    if (configuration.kind === 'socket') {
      this.#boundPath = boundPath(configuration);
      this.#server = await openSocket(this.#slot, configuration, this.#environment);
      return;
    }
    if (configuration.kind === 'pty') {
      if (native === undefined) throw new Error('Failed to create PTY: the addon is not available');
      try {
        this.#terminal = new Terminal({ clock, native, connectable: this.#slot });
      } catch (cause) {
        throw new Error(`Failed to create PTY: ${systemReason(cause)}`, { cause });
      }
      return;
    }
    const transport = await this.#stream();
    if (transport === undefined) return;
    const endpoint = { kind: 'stream', transport } as const;
    this.#server = await MonitorServer.open(this.#slot, endpoint, { clock, native, onReport: warn });
  }

  /** What is there from the start. */
  async #stream(): Promise<Transport | undefined> {
    const { configuration, ring } = this;
    switch (configuration.kind) {
      case 'file':
        return fileTransport(configuration, this.#environment.fdSets);
      case 'pipe':
        return pipeTransport(configuration);
      case 'serial':
        return serialTransport(configuration.path);
      case 'parallel':
        return refuseParallelPort(configuration.path);
      case 'testdev':
        return testDeviceTransport(this.#environment.onExit);
      case 'vc':
        return virtualConsoleTransport(configuration);
      case 'udp':
        return udpTransport(configuration);
      case 'stdio': {
        const { stdio } = this.#environment;
        if (stdio === undefined) throw new Error('there is no standard input and output');
        return standardTransport(
          stdio,
          configuration.signal === false ? undefined : this.#environment.onInterrupt,
        );
      }
      default:
        return ring?.transport();
    }
  }
}
