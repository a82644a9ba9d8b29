import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Transport, TransportHandler } from '../transport.js';

export interface StreamTransportOptions {
  readonly input: Readable;
  /** The same stream as `input` where that goes both ways. */
  readonly output: Writable;
  /** Leaves the output open at the end, as is right for the process's own. */
  readonly keepOutput?: boolean;
}

/** Node's streams as a transport: tcp and TLS sockets, standard input and output. They carry no descriptors. */
export class StreamTransport implements Transport {
  readonly carriesDescriptors = false;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #keepOutput: boolean;
  #handler: TransportHandler | undefined;
  #error: Error | undefined;
  #ending = false;
  #closed = false;

  constructor(options: StreamTransportOptions) {
    this.#input = options.input;
    this.#output = options.output;
    this.#keepOutput = options.keepOutput ?? false;
    // A stream that fails before it is started says so once it is.
    this.#input.on('error', this.#onError);
    if (!Object.is(this.#output, this.#input)) this.#output.on('error', this.#onError);
  }

  get writableLength(): number {
    return this.#output.writableLength;
  }

  /** Host and port of both ends of a tcp connection. */
  get ends(): { readonly local: string; readonly remote: string } | undefined {
    if (!(this.#input instanceof Socket)) return undefined;
    const { localAddress, localPort, remoteAddress, remotePort } = this.#input;
    if (localAddress === undefined || remoteAddress === undefined) return undefined;
    return {
      local: `${bracketed(localAddress)}:${localPort}`,
      remote: `${bracketed(remoteAddress)}:${remotePort}`,
    };
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#input.on('data', this.#onData);
    this.#input.on('end', this.#onEnd);
    this.#input.on('close', this.#onClose);
    this.#output.on('drain', this.#onDrain);
    if (this.#error !== undefined || this.#input.destroyed) queueMicrotask(this.#onClose);
    else this.#input.resume();
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (fds.length > 0) throw new Error('this transport carries no descriptors');
    if (this.#closed || this.#ending) return true;
    return this.#output.write(bytes);
  }

  pause(): void {
    this.#input.pause();
  }

  resume(): void {
    this.#input.resume();
  }

  end(): void {
    if (this.#ending || this.#closed) return;
    this.#ending = true;
    if (this.#keepOutput) this.#output.write('', () => this.destroy());
    else this.#output.end(() => this.destroy());
  }

  destroy(): void {
    this.#input.destroy();
    if (!this.#keepOutput) this.#output.destroy();
    // A stream that has ended already does not always say `close` when it is destroyed.
    if (this.#handler !== undefined) setImmediate(this.#onClose);
  }

  readonly #onData = (chunk: Uint8Array) => this.#handler?.data(chunk, []);
  readonly #onEnd = () => this.#handler?.ended();
  readonly #onDrain = () => this.#handler?.drain();

  readonly #onError = (error: Error) => {
    this.#error ??= error;
    this.destroy();
  };

  readonly #onClose = () => {
    if (this.#closed) return;
    this.#closed = true;
    this.#input.off('data', this.#onData);
    this.#input.off('end', this.#onEnd);
    this.#output.off('drain', this.#onDrain);
    if (!this.#keepOutput) this.#output.destroy();
    this.#handler?.closed(this.#error);
  };
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
