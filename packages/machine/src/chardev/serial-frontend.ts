import type { Clock, Timer } from '@godwit/clock';
import type { Transport } from '@godwit/qmp';
import type { Serial16550 } from '../serial/index.js';
import type { ChardevFrontend } from './character-device.js';

/** How often bytes that the port had no room for are offered again, in milliseconds. */
const RETRY_MS = 5;

/** Output that a client does not take is dropped beyond this many bytes, as a terminal that nobody reads loses it. */
const OUTPUT_LIMIT = 1 << 20;

/** Connects a serial port to whoever is at its character device. */
export class SerialFrontend implements ChardevFrontend {
  readonly label: string;
  readonly #port: Serial16550;
  readonly #clock: Clock;
  #transport: Transport | undefined;
  /** Bytes from the client that the port had no room for; the client is not read meanwhile. */
  #input: Uint8Array = new Uint8Array(0);
  #retry: Timer | undefined;

  constructor(label: string, port: Serial16550, clock: Clock) {
    this.label = label;
    this.#port = port;
    this.#clock = clock;
  }

  attach(transport: Transport): Promise<Error | undefined> {
    this.#transport = transport;
    return new Promise((resolve) => {
      transport.start({
        data: (chunk) => this.#receive(chunk.slice()),
        drain: () => {},
        ended: () => transport.end(),
        closed: (error) => {
          this.#transport = undefined;
          this.#input = new Uint8Array(0);
          this.#retry?.cancel();
          resolve(error);
        },
      });
    });
  }

  /** To the client, if there is one. */
  transmit(bytes: Uint8Array): void {
    const transport = this.#transport;
    if (transport !== undefined && transport.writableLength < OUTPUT_LIMIT) transport.write(bytes);
  }

  close(): void {
    this.#retry?.cancel();
    this.#transport?.end();
  }

  #receive(bytes: Uint8Array): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    this.#offer();
  }

  #offer(): void {
    const taken = this.#port.receive(this.#input);
    this.#input = this.#input.subarray(taken);
    if (this.#input.length === 0) {
      this.#transport?.resume();
      return;
    }
    this.#transport?.pause();
    this.#retry?.cancel();
    this.#retry = this.#clock.setTimer(() => this.#offer(), RETRY_MS);
  }
}
