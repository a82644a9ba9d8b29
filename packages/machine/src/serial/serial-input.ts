import type { Clock, Timer } from '@godwit/clock';
import type { Serial16550 } from './serial-16550.js';

/** How often bytes that the port had no room for are offered again, in milliseconds. */
const RETRY_MS = 5;

export interface SerialInputOptions {
  readonly port: Serial16550;
  readonly clock: Clock;
  /** All that was offered is with the guest, after some of it had to wait. */
  readonly drained?: () => void;
}

/** Bytes on their way into a serial port, which has room for a few at a time. */
export class SerialInput {
  readonly #options: SerialInputOptions;
  #waiting: Uint8Array = new Uint8Array(0);
  #retry: Timer | undefined;

  constructor(options: SerialInputOptions) {
    this.#options = options;
  }

  get port(): Serial16550 {
    return this.#options.port;
  }

  /** The bytes that wait for room. */
  get waiting(): Uint8Array {
    return this.#waiting;
  }

  /** Queues bytes, which it copies where they have to wait. Whoever must bound the queue looks at {@link waiting}. */
  offer(bytes: Uint8Array): void {
    this.#waiting = Buffer.concat([this.#waiting, bytes]);
    if (this.#retry === undefined) this.#pass();
  }

  /** Drops what waits. */
  clear(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#waiting = new Uint8Array(0);
  }

  #pass(): void {
    const { port, clock, drained } = this.#options;
    const waited = this.#retry !== undefined;
    this.#retry = undefined;
    this.#waiting = this.#waiting.subarray(port.receive(this.#waiting));
    if (this.#waiting.length > 0) this.#retry = clock.setTimer(() => this.#pass(), RETRY_MS);
    else if (waited) drained?.();
  }
}
