import { createSocket, type Socket } from 'node:dgram';
import { systemReason } from '@godwit/native';
import type { Transport, TransportHandler } from '@godwit/qmp';
import type { UdpChardev } from './configuration.js';
import { resolveHost } from './inet-endpoint.js';

/**
 * Sends what is written as datagrams, and reads those that come.
 * @throws Error when the local port is taken, or a host is not known
 */
export async function udpTransport({ remote, local }: UdpChardev): Promise<Transport> {
  const host = await resolveHost({ ...remote, host: remote.host === '' ? 'localhost' : remote.host }, 'send');
  const localHost = local === undefined ? '' : await resolveHost(local, 'listen');
  const socket = createSocket(host.includes(':') || localHost.includes(':') ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      const done = (): void => {
        socket.off('error', reject);
        resolve();
      };
      if (local === undefined) socket.bind(0, done);
      else socket.bind(local.port, localHost === '' ? undefined : localHost, done);
    });
  } catch (cause) {
    socket.close();
    throw new Error(`Failed to bind socket: ${systemReason(cause)}`, { cause });
  }
  return new UdpTransport(socket, host, remote.port);
}

/** Datagrams as a stream; where nobody listens, they are lost. */
class UdpTransport implements Transport {
  readonly carriesDescriptors = false;
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;
  #handler: TransportHandler | undefined;
  #paused = false;
  #closed = false;

  constructor(socket: Socket, host: string, port: number) {
    this.#socket = socket;
    this.#host = host;
    this.#port = port;
    socket.on('error', () => {});
    socket.on('message', (message) => {
      // A datagram that finds its reader busy is lost, as on the way.
      if (!this.#paused) this.#handler?.data(message, []);
    });
  }

  get writableLength(): number {
    return this.#closed ? 0 : this.#socket.getSendQueueSize();
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#closed) this.#socket.send(Uint8Array.from(bytes), this.#port, this.#host, () => {});
    return true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close(() => this.#handler?.closed(undefined));
  }
}
