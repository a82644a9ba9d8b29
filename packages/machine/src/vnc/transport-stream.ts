import { Duplex } from 'node:stream';
import type { Transport, TransportHandler } from '@godwit/qmp';

/** A transport that was started, as a stream of Node's, for TLS to be spoken over. Pass it what the transport says. */
export class TransportStream extends Duplex implements Pick<TransportHandler, 'data' | 'drain' | 'ended'> {
  readonly #transport: Transport;
  #written: (() => void) | undefined;

  constructor(transport: Transport) {
    super();
    this.#transport = transport;
  }

  data(chunk: Uint8Array): void {
    if (!this.push(Buffer.from(chunk))) this.#transport.pause();
  }

  drain(): void {
    const written = this.#written;
    this.#written = undefined;
    written?.();
  }

  ended(): void {
    this.push(null);
  }

  override _read(): void {
    this.#transport.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.#transport.write(chunk)) done();
    else this.#written = done;
  }

  override _final(done: () => void): void {
    this.#transport.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.destroy();
    done(error);
  }
}
