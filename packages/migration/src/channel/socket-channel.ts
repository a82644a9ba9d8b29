import { once } from 'node:events';
import net from 'node:net';
import { type Native, native, UnixListener, type UnixListenerHandler } from '@godwit/native';
import { MigrationError } from '../errors.js';
import type { Channel } from '../ports.js';
import { DescriptorChannel } from './descriptor-channel.js';
import { checkSocketAddress, nodeAddress, type SocketAddress } from './socket-address.js';
import { SocketReader } from './socket-reader.js';
import { createTlsServer, type TlsListening } from './tls-channel.js';

const MIN_BACKLOG = 128;

/** A channel over a connected socket. Owns the socket. */
export class SocketChannel implements Channel {
  readonly medium = 'socket';
  readonly #socket: net.Socket;
  readonly #reader: SocketReader;
  #closed = false;
  #error: Error | undefined;

  /** @param reader what the socket was made with; see {@link SocketReader} */
  constructor(socket: net.Socket, reader: SocketReader) {
    this.#socket = socket;
    this.#reader = reader;
    reader.attach(socket);
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    socket.resume();
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      if (this.#closed || socket.destroyed || !socket.writable) {
        reject(this.#error ?? new Error('the connection is closed'));
        return;
      }
      const done = (error?: Error | null) => {
        // Node reports no error for what a closed socket did not write any more.
        const reason =
          this.#error ?? error ?? (this.#closed ? new Error('the connection is closed') : undefined);
        if (reason) reject(reason);
        else resolve();
      };
      // Corked, all chunks leave in one writev; the last one's callback says that the kernel has them all.
      socket.cork();
      const last = chunks.length - 1;
      chunks.forEach((chunk, index) => {
        if (index === last) socket.write(chunk, done);
        else socket.write(chunk);
      });
      if (last < 0) resolve();
      socket.uncork();
    });
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    if (this.#closed) return Promise.reject(new Error('the connection is closed'));
    return this.#reader.read(into);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.finish(new Error('the connection is closed'));
    // What write() has handed over is in the kernel and arrives; what it still waits for is given up.
    if (this.#socket.writableLength === 0) this.#socket.destroySoon();
    else this.#socket.destroy();
  }
}

/** Connects to a listening machine. @param addon with it unix sockets are faster */
export async function connectSocketChannel(
  address: SocketAddress,
  signal?: AbortSignal,
  addon: Native | undefined = native,
): Promise<Channel> {
  checkSocketAddress(address);
  if (signal?.aborted) throw new MigrationError('connecting was cancelled');
  if (address.type === 'unix' && addon !== undefined) {
    return new DescriptorChannel(addon, addon.connectUnix(address.path), true);
  }
  const reader = new SocketReader();
  const socket = net.connect({ ...nodeAddress(address), onread: reader.onread });
  const abort = () => socket.destroy(new MigrationError('connecting was cancelled'));
  signal?.addEventListener('abort', abort);
  try {
    await once(socket, 'connect');
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  return new SocketChannel(socket, reader);
}

/** Waits for the other machine to connect. */
export class SocketListener {
  readonly #limit: number;
  readonly #addon: Native | undefined;
  readonly #tls: TlsListening | undefined;
  readonly #arrived: Channel[] = [];
  readonly #waiting: { resolve: (channel: Channel) => void; reject: (error: Error) => void }[] = [];
  #stop: (() => void) | undefined;
  #accepted = 0;
  #closed = false;

  /**
   * @param limit how many connections are let in; further ones are turned away
   * @param addon with it unix sockets are faster
   * @param tls who connects has to speak TLS, and say who he is where that is asked for
   */
  constructor(limit = 1, addon: Native | undefined = native, tls?: TlsListening) {
    this.#limit = limit;
    this.#addon = addon;
    this.#tls = tls;
  }

  /** Resolves with the address once connections are accepted; for port 0 it has the real port. */
  async listen(address: SocketAddress): Promise<SocketAddress> {
    checkSocketAddress(address);
    const addon = this.#addon;
    if (address.type === 'unix' && addon !== undefined && this.#tls === undefined) {
      const handler: UnixListenerHandler = {
        connection: (fd) => {
          if (this.#isWelcome()) this.#arrive(new DescriptorChannel(addon, fd, true));
          else addon.close(fd);
        },
        failed: (error) => {
          for (const { reject } of this.#waiting.splice(0)) reject(error);
        },
      };
      // All may come before the first is accepted, and who finds no room is turned away at once.
      const listener = new UnixListener(addon, address.path, handler, Math.max(MIN_BACKLOG, this.#limit));
      this.#stop = () => listener.close();
      return address;
    }
    const server =
      this.#tls === undefined
        ? net.createServer({ pauseOnConnect: true }, (socket) => {
            if (this.#isWelcome()) this.#arrive(adopt(socket));
            else socket.destroy();
          })
        : createTlsServer(this.#tls, (channel) => {
            if (this.#isWelcome()) this.#arrive(channel);
            else channel.close();
          });
    server.listen(nodeAddress(address));
    await once(server, 'listening');
    this.#stop = () => server.close();
    const bound = server.address();
    if (bound === null || typeof bound === 'string') return address;
    return { type: 'inet', host: bound.address, port: bound.port };
  }

  /** The next connection; rejects when the listener is closed. */
  accept(): Promise<Channel> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    if (this.#closed) return Promise.reject(new Error('the listener is closed'));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Stops listening, removes the socket's file, closes connections that nobody accepted. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stop?.();
    for (const channel of this.#arrived.splice(0)) channel.close();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the listener is closed'));
  }

  #isWelcome(): boolean {
    return !this.#closed && this.#accepted < this.#limit;
  }

  #arrive(channel: Channel): void {
    this.#accepted++;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#arrived.push(channel);
    else waiting.resolve(channel);
  }
}

/**
 * A server cannot be told to read into memory of our choice, as a client can: its sockets are made before anybody sees
 * them. So the accepted connection, on which nothing was read yet, moves into a socket that can; that doubles the rate.
 */
function adopt(accepted: net.Socket): SocketChannel {
  const reader = new SocketReader();
  const handle: unknown = Reflect.get(accepted, '_handle');
  Reflect.set(accepted, '_handle', null);
  const options = { handle, readable: true, writable: true, onread: reader.onread };
  return new SocketChannel(new net.Socket(options as net.SocketConstructorOpts), reader);
}
