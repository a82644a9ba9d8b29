import type { X509Certificate } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type FileType, type Native, UnixListener, type UnixListenerHandler } from '@godwit/native';
import type { Transport } from '../transport.js';
import { checkUnixPath, isAbstract, type SocketAddress, type UnixAddress } from './address.js';
import { DescriptorTransport } from './descriptor-transport.js';
import { StreamTransport } from './stream-transport.js';
import { bindPrivately } from './unix-path.js';

/** Whether a TLS client is let in, by the certificate that it has shown and that was verified; undefined if it showed none. */
export type Authorize = (certificate: X509Certificate | undefined) => boolean;

export interface ListenOptions {
  readonly address: SocketAddress;
  /** Called with every connection, before any of its bytes were read. A peer at a unix socket has no path of its own. */
  readonly onConnection: (transport: Transport, peer: SocketAddress) => void;
  /** The addon; without it unix sockets carry no descriptors. */
  readonly native?: Native | undefined;
  /** Makes a tcp listener speak TLS. To ask clients for certificates, set `requestCert` and `rejectUnauthorized`. */
  readonly tls?: TlsOptions | undefined;
  /** Asked of every TLS client; without it all are let in whose certificates `tls` takes. */
  readonly authorize?: Authorize | undefined;
  /** Connections that failed before they became one (a TLS handshake), and failures of the listening socket itself. */
  readonly onError?: (error: Error) => void;
}

/** A socket that listens. */
export class Listener {
  readonly #stop: () => void | Promise<void>;
  /** Where it listens, with the port that the system chose if none was given. */
  readonly address: SocketAddress;

  private constructor(address: SocketAddress, stop: () => void | Promise<void>) {
    this.address = address;
    this.#stop = stop;
  }

  /** @throws Error that names the address, when it is taken, too long, or refused by the system */
  static async open(options: ListenOptions): Promise<Listener> {
    const { address, native } = options;
    if (address.kind === 'unix') {
      checkUnixPath(address.path);
      if (native !== undefined) return new Listener(address, await listenByAddon(address, native, options));
    }
    if (address.kind === 'fd' && options.tls === undefined && native?.fileType(address.fd) === LISTENING) {
      const listener = new UnixListener(native, address.fd, handlerOf(native, options));
      return new Listener(address, () => listener.close());
    }
    const server = options.tls === undefined ? plainServer(options) : tlsServer(options, options.tls);
    let removePath: (() => Promise<void>) | undefined;
    try {
      if (address.kind === 'unix' && isAbstract(address)) {
        await listening(server, { path: address.path });
      } else if (address.kind === 'unix') {
        await bindPrivately(address.path, (path) => listening(server, { path }));
        removePath = await pathRemover(address.path);
      } else if (address.kind === 'tcp') {
        const host = address.host === '' ? {} : { host: address.host };
        await listening(server, { port: address.port, ...host });
      } else {
        await listening(server, { fd: address.fd });
      }
    } catch (error) {
      server.close();
      throw error;
    }
    server.on('error', (error) => options.onError?.(error));
    return new Listener(boundAddress(address, server), () => {
      server.close();
      return removePath?.();
    });
  }

  /** Stops listening and removes the path of a unix socket, if it is still its own. Connections go on. */
  async close(): Promise<void> {
    await this.#stop();
  }
}

/** Listens through the addon, so that connections carry descriptors; returns how to stop. */
async function listenByAddon(address: UnixAddress, native: Native, options: ListenOptions) {
  if (isAbstract(address)) {
    const listener = new UnixListener(native, address.path, handlerOf(native, options));
    return () => listener.close();
  }
  let listener: UnixListener | undefined;
  await bindPrivately(address.path, async (path) => {
    listener = new UnixListener(native, path, handlerOf(native, options));
  });
  const removePath = await pathRemover(address.path);
  return () => {
    listener?.close();
    return removePath();
  };
}

function handlerOf(native: Native, { onConnection, onError }: ListenOptions): UnixListenerHandler {
  return {
    connection: (fd) => onConnection(new DescriptorTransport(fd, native), NO_PATH),
    failed: (error) => onError?.(error),
  };
}

/** What the addon calls a socket whose connections can be accepted. Another one is left to node:net to bring there. */
const LISTENING: FileType = 'listening-socket';

const NO_PATH: UnixAddress = { kind: 'unix', path: '' };

function peerOf({ remoteAddress: host, remotePort: port }: Socket): SocketAddress {
  return host === undefined || port === undefined ? NO_PATH : { kind: 'tcp', host, port };
}

function plainServer({ onConnection }: ListenOptions): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    onConnection(new StreamTransport({ input: socket, output: socket }), peerOf(socket));
  });
}

function tlsServer({ onConnection, onError, authorize }: ListenOptions, tls: TlsOptions): Server {
  const server = createTlsServer({ ...tls, allowHalfOpen: true, noDelay: true }, (socket) => {
    if (authorize?.(socket.getPeerX509Certificate()) === false) {
      socket.destroy();
      onError?.(new Error('a TLS client was refused: it is not authorized'));
      return;
    }
    onConnection(new StreamTransport({ input: socket, output: socket }), peerOf(socket));
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

/** Removes what is at a path, unless somebody has put something else there in the meantime. */
async function pathRemover(path: string): Promise<() => Promise<void>> {
  const { ino } = await stat(path, { bigint: true });
  return async () => {
    const status = await stat(path, { bigint: true }).catch(() => undefined);
    if (status?.ino === ino) await rm(path, { force: true });
  };
}
