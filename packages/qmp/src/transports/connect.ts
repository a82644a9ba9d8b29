import { fstatSync } from 'node:fs';
import { connect as connectSocket, Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { Native } from '@godwit/native';
import type { Transport } from '../transport.js';
import { checkUnixPath, formatAddress, type SocketAddress } from './address.js';
import { DescriptorTransport } from './descriptor-transport.js';
import { tcpTransport, unixTransport } from './node-socket.js';
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
      return descriptorTransport(address.fd, options.native);
    case 'unix': {
      checkUnixPath(address.path);
      const socket = connectSocket({ path: address.path, allowHalfOpen: true });
      // A socket that is paused before it is connected does not begin to read.
      socket.pause();
      await connected(socket, 'connect', address, options.signal);
      return unixTransport(socket, options.native);
    }
    case 'tcp': {
      const where = { host: address.host === '' ? 'localhost' : address.host, port: address.port };
      if (options.tls === undefined) {
        const socket = connectSocket({ ...where, allowHalfOpen: true });
        socket.pause();
        await connected(socket, 'connect', address, options.signal);
        return tcpTransport(socket);
      }
      const socket = connectTls({ ...where, ...options.tls });
      await connected(socket, 'secureConnect', address, options.signal);
      socket.setNoDelay(true);
      return new StreamTransport({ input: socket, output: socket });
    }
  }
}

function descriptorTransport(fd: number, native: Native | undefined): Transport {
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
      reject(new Error(`cannot connect to ${formatAddress(address)}: ${cause.message}`, { cause }));
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
