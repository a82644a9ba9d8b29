import type { X509Certificate } from 'node:crypto';
import { createServer, type TlsOptions } from 'node:tls';
import { StreamTransport, type Transport } from '@godwit/qmp';
import { TransportStream } from './transport-stream.js';

export interface TlsLayerHandler {
  /** The other side has shown what it was asked for. */
  secured(transport: Transport, certificate: X509Certificate | undefined): void;
  /** There will be no TLS; nothing more comes of the connection. */
  failed(error: Error): void;
}

/**
 * Goes over to TLS, as its server, on a transport that is in use already.
 * @param received what has come of TLS by now
 * @returns what the transport says has to go there from now on
 */
export function startTls(
  transport: Transport,
  options: TlsOptions,
  received: Uint8Array,
  handler: TlsLayerHandler,
): TransportStream {
  const stream = new TransportStream(transport);
  // Such a server never listens: it looks at the one connection that it is given, certificate and all.
  const server = createServer({ ...options, allowHalfOpen: true });
  server.on('secureConnection', (socket) => {
    handler.secured(new StreamTransport({ input: socket, output: socket }), socket.getPeerX509Certificate());
  });
  server.on('tlsClientError', (error: Error) => handler.failed(error));
  stream.on('error', (error) => handler.failed(error));
  server.emit('connection', stream);
  if (received.length > 0) stream.data(received);
  return stream;
}
