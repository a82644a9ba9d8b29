import type { Transport, TransportHandler } from '@godwit/qmp';
import { CloseCode, closeFrame, FrameReader, frame, frameHeader, Opcode, WebSocketError } from './frames.js';

/** The server's side of a WebSocket, after the handshake: bytes that travel in binary frames. It carries no descriptors. */
export class WebSocketTransport implements Transport {
  readonly carriesDescriptors = false;
  /** What the connection says is to go here. */
  readonly input: TransportHandler;
  readonly #connection: Transport;
  readonly #reader: FrameReader;
  /** What came before the start. */
  #early: Buffer;
  #handler: TransportHandler | undefined;
  #closing = false;
  /** The connection ended before the start. */
  #ended: { readonly error: Error | undefined } | undefined;

  /**
   * @param connection started, and paused
   * @param received what has come behind the handshake
   */
  constructor(connection: Transport, received: Uint8Array) {
    this.#connection = connection;
    this.#early = Buffer.from(received);
    this.#reader = new FrameReader({
      data: (payload) => this.#handler?.data(payload, []),
      ping: (payload) => this.#answerPing(payload),
      close: () => this.#close(CloseCode.normal, 'peer requested close'),
    });
    this.input = {
      data: (chunk) => this.#receive(chunk),
      drain: () => this.#handler?.drain(),
      ended: () => {
        if (!this.#closing) this.#handler?.ended();
      },
      hungUp: () => this.#handler?.hungUp?.(),
      closed: (error) => {
        if (this.#handler === undefined) this.#ended = { error };
        else this.#handler.closed(error);
      },
    };
  }

  get writableLength(): number {
    return this.#connection.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    const { error } = this.#ended ?? {};
    if (this.#ended !== undefined) {
      queueMicrotask(() => handler.closed(error));
      return;
    }
    // Nothing comes during the call, as with any transport.
    queueMicrotask(() => {
      const early = this.#early;
      this.#early = Buffer.alloc(0);
      this.#receive(early);
      this.#connection.resume();
    });
  }

  write(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (fds.length > 0) throw new Error('this transport carries no descriptors');
    if (this.#closing || bytes.length === 0) return true;
    this.#connection.write(frameHeader(Opcode.binary, bytes.length));
    return this.#connection.write(bytes);
  }

  pause(): void {
    this.#connection.pause();
  }

  resume(): void {
    this.#connection.resume();
  }

  end(): void {
    this.#close(CloseCode.normal, '');
  }

  destroy(): void {
    this.#connection.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#closing) return;
    try {
      this.#reader.feed(chunk);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      this.#close(error.code, error.message);
    }
  }

  /** Unless an earlier answer still waits: a client that only asks does not make this side keep more and more. */
  #answerPing(payload: Uint8Array): void {
    if (this.#connection.writableLength === 0) this.#connection.write(frame(Opcode.pong, payload));
  }

  #close(code: CloseCode, reason: string): void {
    if (this.#closing) return;
    this.#connection.write(closeFrame(code, reason));
    this.#closing = true;
    this.#connection.end();
  }
}
