import type { Clock } from '@godwit/clock';
import type { StateSection } from '@godwit/migration';
import { type Serial16550, SerialInput } from '../serial/index.js';
import { Terminal } from './terminal.js';

/** Keys that the guest does not read are dropped beyond this many bytes. */
const INPUT_LIMIT = 1024;

export interface GuestTerminalOptions {
  readonly clock: Clock;
  /** Takes what is typed. */
  readonly serial: Serial16550;
  /** Written at the top of an empty screen. */
  readonly banner: string;
}

/**
 * The terminal at the guest's serial port COM1, beside whoever is at the port's character device. It is there whether
 * somebody looks or not, and travels with the guest: what it shows, and the keys that the guest has not read yet.
 */
export class GuestTerminal {
  readonly terminal = new Terminal();
  readonly #banner: Uint8Array;
  readonly #input: SerialInput;

  constructor({ clock, serial, banner }: GuestTerminalOptions) {
    this.#banner = Buffer.from(`${banner}\r\n\r\n`);
    this.#input = new SerialInput({ port: serial, clock });
    this.reset();
  }

  /** What the guest sends. */
  output(bytes: Uint8Array): void {
    this.terminal.write(bytes);
  }

  /** What somebody types. */
  type(bytes: Uint8Array): void {
    if (bytes.length > 0 && this.#input.waiting.length + bytes.length <= INPUT_LIMIT)
      this.#input.offer(bytes);
  }

  /** As at power-on: the banner, and no keys on their way. */
  reset(): void {
    this.#input.clear();
    this.terminal.reset();
    this.terminal.write(this.#banner);
  }

  /** The state of the terminal, then the keys. */
  section(name = 'console'): StateSection {
    return {
      name,
      version: 1,
      save: () => Buffer.concat([this.terminal.save(), this.#input.waiting]),
      load: (state, version) => {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        const keys = state.subarray(this.terminal.load(state));
        if (keys.length > INPUT_LIMIT) throw new Error(`${name}: ${keys.length} bytes of keys`);
        this.#input.clear();
        this.type(keys);
      },
    };
  }

  close(): void {
    this.#input.clear();
  }
}
