import { Socket } from 'node:net';
import { QapiError } from '@godwit/qapi/runtime';
import { type SocketAddress, StreamTransport } from '@godwit/qmp';
import type { GuestConsole } from '../console/index.js';
import type { Machine } from '../machine.js';
import { inOptionAsync } from '../options/command-line.js';
import type { VncConfiguration } from './configuration.js';
import { openConsole } from './machine-console.js';
import { VncServer } from './server.js';
import { serverTls } from './tls.js';

/** The VNC servers of a machine, and the console that they show. */
export class VncServers {
  readonly console: GuestConsole;
  readonly #servers: VncServer[] = [];

  /** @throws OptionError when one of them cannot listen; nothing is left then */
  static async open(configurations: readonly VncConfiguration[], machine: Machine): Promise<VncServers> {
    const servers = new VncServers(machine);
    try {
      for (const configuration of configurations) await servers.#add(configuration, machine);
      return servers;
    } catch (error) {
      await servers.close();
      throw error;
    }
  }

  private constructor(machine: Machine) {
    this.console = openConsole(machine);
  }

  /** In the order of the options. */
  list(): readonly VncServer[] {
    return this.#servers;
  }

  /** The server of a name, or the first. */
  find(id?: string): VncServer | undefined {
    return id === undefined ? this.#servers[0] : this.#servers.find((server) => server.id === id);
  }

  async close(): Promise<void> {
    this.console.close();
    for (const server of this.#servers) await server.closeListener();
  }

  async #add(configuration: VncConfiguration, machine: Machine) {
    const {
      configuration: { name },
      environment,
      emit,
    } = machine;
    const { source, passwordSecret } = configuration;
    const open = async () => {
      const password = passwordSecret === undefined ? undefined : machine.objects.secret(passwordSecret).text;
      const server = await VncServer.open({
        configuration,
        console: this.console,
        title: name === undefined ? 'Godwit' : `Godwit (${name})`,
        clock: environment.clock,
        emit,
        native: environment.native,
        tls: serverTls(configuration, machine),
        power: (action) => {
          if (action === 'shutdown') machine.powerDown();
          else machine.reset('host-qmp-system-reset').catch((error) => environment.warn(error.message));
        },
      });
      if (password !== undefined) server.setPassword(password);
      const { address } = configuration;
      const [bound] = server.addresses;
      // Which port it came to be is for the user to know.
      if (bound !== undefined && address?.kind === 'tcp' && address.lastPort > address.port) {
        environment.warn(`VNC server running on ${bound.host}:${bound.service}`);
      }
      return server;
    };
    this.#servers.push(await (source === undefined ? open() : inOptionAsync(source, open)));
  }
}

/**
 * Makes a connected socket a client of `server`, which owns the descriptor from here on.
 * @throws QapiError when it is no stream socket; the descriptor is left to the caller then
 */
export function addPassedClient(server: VncServer, fd: number, skipSecurity: boolean): void {
  const socket = socketOf(fd);
  const { remoteAddress: host, remotePort: port } = socket;
  const peer: SocketAddress =
    host === undefined || port === undefined ? { kind: 'unix', path: '' } : { kind: 'tcp', host, port };
  server.accept(new StreamTransport({ input: socket, output: socket }), peer, skipSecurity);
}

function socketOf(fd: number): Socket {
  try {
    return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  } catch (cause) {
    throw new QapiError('GenericError', 'parameter @fdname must name a stream socket', { cause });
  }
}
