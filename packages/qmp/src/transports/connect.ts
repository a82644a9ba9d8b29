import { fstatSync } from 'node:fs';
import { connect as connectSocket, Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Native } from '@godwit/native';
import type { Transport } from '../transport.js';
import { checkUnixPath, formatAddress, type SocketAddress, type UnixAddress } from './address.js';
import { DescriptorTransport } from './descriptor-transport.js';
import { StreamTransport } from './stream-transport.js';

export interface ConnectOptions {
  /** The addon; without it unix sockets carry no descriptors. */
  readonly native?: Native | undefined;
  /** Speaks TLS over tcp. */
  readonly tls?: ConnectionOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to a socket.
 * @throws Error that names the address, with the system's error as its `cause`
 */
export async function connectTransport(
  address: SocketAddress,
  options: ConnectOptions = {},
): Promise<Transport> {
  options.signal?.throwIfAborted();
  switch (address.kind) {
    case 'fd':
      return connectedTransport(address.fd, options.native);
    case 'unix': {
      checkUnixPath(address.path);
      if (options.native !== undefined) return connectUnix(address, options.native);
      const socket = connectSocket({ path: address.path, allowHalfOpen: true });
      await connected(socket, 'connect', address, options.signal);
      return new StreamTransport({ input: socket, output: socket });
    }
    case 'tcp': {
      const where = { host: address.host === '' ? 'localhost' : address.host, port: address.port };
      const { tls } = options;
      const socket =
        tls === undefined
          ? connectSocket({ ...where, allowHalfOpen: true })
          : connectTls({ ...where, ...tls });
      await connected(socket, tls === undefined ? 'connect' : 'secureConnect', address, options.signal);
      socket.setNoDelay(true);
      return new StreamTransport({ input: socket, output: socket });
    }
  }
}

function connectUnix(address: UnixAddress, native: Native): Transport {
  try {
    return new DescriptorTransport(native.connectUnix(address.path), native);
  } catch (error) {
    throw connectionError(address, error as Error);
  }
}

function connectionError(address: SocketAddress, cause: Error): Error {
  return new Error(`cannot connect to ${formatAddress(address)}: ${cause.message}`, { cause });
}

/**
 * A socket that is connected already; it owns the descriptor from here on.
 * @throws Error when it is no socket; the descriptor stays with the caller then
 */
export function connectedTransport(fd: number, native: Native | undefined): Transport {
  if (!fstatSync(fd).isSocket()) throw new Error(`descriptor ${fd} is not a socket`);
  if (native !== undefined) return new DescriptorTransport(fd, native);
  const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
  return new StreamTransport({ input: socket, output: socket });
}

function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  address: SocketAddress,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      socket.off(event, succeed);
      socket.off('error', fail);
      signal?.removeEventListener('abort', abort);
    };
    const succeed = () => {
      done();
      resolve();
    };
    const fail = (cause: Error) => {
      done();
      socket.destroy();
      reject(connectionError(address, cause));
    };
    const abort = () => {
      done();
      socket.on('error', () => {});
      socket.destroy();
      reject(signal!.reason);
    };
    socket.once(event, succeed);
    socket.once('error', fail);
    signal?.addEventListener('abort', abort);
  });
}
