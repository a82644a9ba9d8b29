import type { Clock, Timer } from '@godwit/clock';
import type { GuestTerminal } from './guest-terminal.js';
import { TextConsole } from './text-console.js';

const STATUS_INTERVAL_MS = 500;

export interface GuestConsoleOptions {
  readonly clock: Clock;
  readonly terminal: GuestTerminal;
  /** What the status line says now. */
  readonly status: () => string;
}

/** The guest's terminal as those see it who look at the machine: with a status line, which is not the guest's. */
export class GuestConsole {
  readonly display: TextConsole;
  readonly #options: GuestConsoleOptions;
  #viewers = 0;
  #statusTimer: Timer | undefined;

  constructor(options: GuestConsoleOptions) {
    this.#options = options;
    this.display = new TextConsole(options.terminal.terminal);
    this.#showStatus();
  }

  /** What a viewer types. */
  type(bytes: Uint8Array): void {
    this.#options.terminal.type(bytes);
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

  /** Draws what has changed since, the status line as well. */
  refresh(): void {
    this.#showStatus();
    this.display.refresh();
  }

  close(): void {
    this.display.close();
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
