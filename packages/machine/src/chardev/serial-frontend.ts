import type { Clock } from '@godwit/clock';
import type { Transport } from '@godwit/qmp';
import { type Serial16550, SerialInput } from '../serial/index.js';
import type { ChardevFrontend } from './frontend-slot.js';

/** Output that a client does not take is dropped beyond this many bytes, as a terminal that nobody reads loses it. */
const OUTPUT_LIMIT = 1 << 20;

/** Connects a serial port to whoever is at its character device. */
export class SerialFrontend implements ChardevFrontend {
  readonly label: string;
  readonly #input: SerialInput;
  #transport: Transport | undefined;
  onUnheard: ((bytes: Uint8Array) => void) | undefined;

  constructor(label: string, port: Serial16550, clock: Clock) {
    this.label = label;
    this.#input = new SerialInput({ port, clock, drained: () => this.#transport?.resume() });
  }

  attach(transport: Transport): Promise<Error | undefined> {
    // After chardev-change the client of the old backend is still there.
    this.#transport?.end();
    this.#transport = transport;
    return new Promise((resolve) => {
      transport.start({
        data: (chunk) => {
          this.#input.offer(chunk);
          // The client is not read while the port has no room for what it sent.
          if (this.#input.waiting.length > 0) transport.pause();
        },
        drain: () => {},
        ended: () => transport.end(),
        closed: (error) => {
          if (this.#transport === transport) {
            this.#transport = undefined;
            this.#input.clear();
          }
          resolve(error);
        },
      });
    });
  }

  receiveBreak(): void {
    this.#input.port.receiveBreak();
  }

  /** To the client, if there is one. */
  transmit(bytes: Uint8Array): void {
    const transport = this.#transport;
    if (transport === undefined) this.onUnheard?.(bytes);
    else if (transport.writableLength < OUTPUT_LIMIT) transport.write(bytes);
  }

  close(): void {
    this.#input.clear();
    this.#transport?.end();
  }
}
