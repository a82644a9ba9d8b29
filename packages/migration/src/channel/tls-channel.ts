import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { asError, MigrationError } from '../errors.js';
import type { Channel } from '../ports.js';
import { checkSocketAddress, nodeAddress, type SocketAddress } from './socket-address.js';
import { StreamChannel } from './stream-channel.js';

/** Connects to a listening machine, and is sure who that is. @param options for node:tls; `host` is the name that is expected */
export async function connectTlsChannel(
  address: SocketAddress,
  options: tls.ConnectionOptions,
  signal?: AbortSignal,
): Promise<Channel> {
  checkSocketAddress(address);
  if (signal?.aborted) throw new MigrationError('connecting was cancelled');
  const socket = net.connect(nodeAddress(address));
  const abort = () => socket.destroy(new MigrationError('connecting was cancelled'));
  signal?.addEventListener('abort', abort);
  try {
    await once(socket, 'connect');
    return new StreamChannel(await handshake(tls.connect({ ...options, socket })), 'TLS channel');
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

async function handshake(socket: tls.TLSSocket): Promise<tls.TLSSocket> {
  try {
    await once(socket, 'secureConnect');
    return socket;
  } catch (cause) {
    socket.destroy();
    if (cause instanceof MigrationError) throw cause;
    throw new MigrationError(`TLS handshake failed: ${asError(cause).message}`, { cause });
  }
}

/** Lets clients in over TLS. */
export interface TlsListening {
  /** For node:tls. */
  readonly options: tls.TlsOptions;
  /** Says why the client at the other end is not let in, if so. */
  refusal(socket: tls.TLSSocket): string | undefined;
  /** A client was not let in; others still can be. */
  onRefused(error: Error): void;
}

/** A server, not listening yet, that hands over clients that were let in. */
export function createTlsServer(
  { options, refusal, onRefused }: TlsListening,
  welcome: (channel: Channel) => void,
): net.Server {
  const server = tls.createServer(options, (socket) => {
    const reason = refusal(socket);
    if (reason === undefined) {
      welcome(new StreamChannel(socket, 'TLS channel'));
      return;
    }
    socket.destroy();
    onRefused(new MigrationError(reason));
  });
  return server.on('tlsClientError', (cause) =>
    onRefused(new MigrationError(`TLS handshake failed: ${cause.message}`, { cause })),
  );
}
