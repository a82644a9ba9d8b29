import type { X509Certificate } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { Clock } from '@godwit/clock';
import type { Transport } from '@godwit/qmp';
import { acceptWebSocket } from '../websocket/index.js';
import { startTls } from './tls-layer.js';

export interface WebViewerOptions {
  readonly clock: Clock;
  /** For a viewer that has to speak TLS, as pages from https: do; below the WebSocket, and nothing of VNC's own in it. */
  readonly tls?: (() => TlsOptions) | undefined;
  /** Asked when it does whether it may go on, with its certificate if it has shown one. */
  readonly identified: (certificate: X509Certificate | undefined) => boolean;
}

/**
 * Makes a WebSocket of the connection of a viewer that runs in a web page. The connection is owned from here on; who
 * accepts it may destroy it at any time.
 * @returns a transport of what the viewer says
 * @throws Error when it does not become one
 */
export async function upgradeWebViewer(
  connection: Transport,
  { clock, tls, identified }: WebViewerOptions,
): Promise<Transport> {
  if (tls === undefined) return acceptWebSocket(connection, clock);
  const { secure, certificate } = await secured(connection, tls());
  if (identified(certificate)) return acceptWebSocket(secure, clock);
  secure.destroy();
  connection.destroy();
  throw new Error('the certificate of a viewer is not let in');
}

interface Secured {
  readonly secure: Transport;
  readonly certificate: X509Certificate | undefined;
}

function secured(connection: Transport, options: TlsOptions): Promise<Secured> {
  return new Promise((resolve, reject) => {
    const stream = startTls(connection, options, new Uint8Array(0), {
      failed: (error) => {
        connection.destroy();
        reject(error);
      },
      secured: (secure, certificate) => resolve({ secure, certificate }),
    });
    connection.start({
      data: (chunk) => stream.data(chunk),
      drain: () => stream.drain(),
      ended: () => stream.ended(),
      closed: () => {
        stream.destroy();
        reject(new Error('the viewer has gone'));
      },
    });
  });
}
