import type { Clock, Timer } from '@godwit/clock';
import { type Serial16550, SerialInput } from '../serial/index.js';
import { TextConsole } from './text-console.js';

/** Keys that the guest does not read are dropped beyond this many bytes. */
const INPUT_LIMIT = 1024;

const STATUS_INTERVAL_MS = 500;

export interface GuestConsoleOptions {
  readonly clock: Clock;
  /** Takes what is typed. */
  readonly serial: Serial16550;
  /** Written at the top of an empty screen. */
  readonly banner: string;
  /** What the status line says now. */
  readonly status: () => string;
}

/**
 * The guest's text console: a terminal at its serial port COM1, beside whoever is at the port's character device. It
 * shows what the guest sends and sends what is typed.
 */
export class GuestConsole {
  readonly display = new TextConsole();
  readonly #options: GuestConsoleOptions;
  readonly #input: SerialInput;
  #viewers = 0;
  #statusTimer: Timer | undefined;

  constructor(options: GuestConsoleOptions) {
    this.#options = options;
    this.#input = new SerialInput({ port: options.serial, clock: options.clock });
    this.reset();
  }

  /** What the guest sends. */
  output(bytes: Uint8Array): void {
    this.display.write(bytes);
  }

  /** What a viewer types. */
  type(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.#input.waiting + bytes.length <= INPUT_LIMIT) this.#input.offer(bytes);
  }

  /** As at power-on: the banner, and no keys on their way. */
  reset(): void {
    this.#input.clear();
    this.display.reset();
    this.display.write(Buffer.from(`${this.#options.banner}\r\n\r\n`));
    this.#showStatus();
  }

  /** Somebody looks; the status line is kept up to date until the function returned is called. */
  addViewer(): () => void {
    this.#viewers++;
    if (this.#viewers === 1) this.#follow();
    let gone = false;
    return () => {
      if (gone) return;
      gone = true;
      this.#viewers--;
      if (this.#viewers === 0) this.#statusTimer?.cancel();
    };
  }

  close(): void {
    this.#input.clear();
    this.#statusTimer?.cancel();
  }

  #follow(): void {
    this.#showStatus();
    this.#statusTimer = this.#options.clock.setTimer(() => this.#follow(), STATUS_INTERVAL_MS);
  }

  #showStatus(): void {
    this.display.setStatus(this.#options.status());
  }
}
