import { rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Native } from '@godwit/native';
import type { Transport } from '../transport.js';
import { checkUnixPath, type SocketAddress } from './address.js';
import { tcpTransport, unixTransport } from './node-socket.js';
import { StreamTransport } from './stream-transport.js';
import { bindPrivately } from './unix-path.js';

export interface ListenOptions {
  readonly address: SocketAddress;
  /** Called with every connection, before any of its bytes were read. */
  readonly onConnection: (transport: Transport) => void;
  /** The addon; without it unix sockets carry no descriptors. */
  readonly native?: Native | undefined;
  /** Makes a tcp listener speak TLS. To ask clients for certificates, set `requestCert` and `rejectUnauthorized`. */
  readonly tls?: TlsOptions | undefined;
  /** Connections that failed before they became one (a TLS handshake), and failures of the listening socket itself. */
  readonly onError?: (error: Error) => void;
}

/** A socket that listens. */
export class Listener {
  readonly #server: Server;
  readonly #path: string | undefined;
  readonly #inode: bigint | undefined;
  /** Where it listens, with the port that the system chose if none was given. */
  readonly address: SocketAddress;

  private constructor(server: Server, address: SocketAddress, path?: string, inode?: bigint) {
    this.#server = server;
    this.address = address;
    this.#path = path;
    this.#inode = inode;
  }

  /** @throws Error that names the address, when it is taken, too long, or refused by the system */
  static async open(options: ListenOptions): Promise<Listener> {
    const { address } = options;
    if (address.kind === 'unix') checkUnixPath(address.path);
    const server = options.tls === undefined ? plainServer(options) : tlsServer(options, options.tls);
    try {
      switch (address.kind) {
        case 'unix':
          await bindPrivately(address.path, (path) => listening(server, { path }));
          break;
        case 'tcp':
          await listening(server, {
            port: address.port,
            ...(address.host === '' ? {} : { host: address.host }),
          });
          break;
        case 'fd':
          await listening(server, { fd: address.fd });
      }
    } catch (error) {
      server.close();
      throw error;
    }
    server.on('error', (error) => options.onError?.(error));
    if (address.kind === 'unix') {
      const { ino } = await stat(address.path, { bigint: true });
      return new Listener(server, address, address.path, ino);
    }
    return new Listener(server, boundAddress(address, server));
  }

  /** Stops listening and removes the path of a unix socket, if it is still its own. Connections go on. */
  async close(): Promise<void> {
    this.#server.close();
    if (this.#path === undefined) return;
    const status = await stat(this.#path, { bigint: true }).catch(() => undefined);
    if (status?.ino === this.#inode) await rm(this.#path, { force: true });
  }
}

function plainServer({ address, native, onConnection }: ListenOptions): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    const isUnix = address.kind === 'unix' || (address.kind === 'fd' && socket.remoteAddress === undefined);
    onConnection(isUnix ? unixTransport(socket, native) : tcpTransport(socket));
  });
}

function tlsServer({ onConnection, onError }: ListenOptions, tls: TlsOptions): Server {
  const server = createTlsServer({ ...tls, allowHalfOpen: true }, (socket) => {
    socket.setNoDelay(true);
    onConnection(new StreamTransport({ input: socket, output: socket }));
  });
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    socket.destroy();
    onError?.(error);
  });
  return server;
}

function listening(
  server: Server,
  where: { path: string } | { port: number; host?: string } | { fd: number },
) {
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, backlog: 128 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function boundAddress(address: SocketAddress, server: Server): SocketAddress {
  if (address.kind !== 'tcp') return address;
  const { port } = server.address() as AddressInfo;
  return { ...address, port };
}
