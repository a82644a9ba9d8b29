import type { Connectable, Transport } from '@godwit/qmp';
import { HeldConnection } from './held-connection.js';

/** What uses a character device: a monitor, or a serial port. It gets one connection at a time. */
export interface ChardevFrontend extends Connectable {
  /** Takes what it says while nobody is connected. */
  onUnheard?: ((bytes: Uint8Array) => void) | undefined;
  /** It gets, or no longer gets, the keys of a connection that it shares. */
  focus?(gained: boolean): void;
  /** The line is held in its break condition (`chardev-send-break`); a frontend without this takes no notice of it. */
  receiveBreak?(): void;
}

interface Waiting {
  readonly transport: Transport;
  readonly resolve: (ended: Promise<Error | undefined> | undefined) => void;
}

/**
 * What a connection goes through before a frontend gets it, at once or in a while. Where it fails the connection has ended,
 * or will.
 */
export type Prepare = (connection: Transport) => Transport | Promise<Transport>;

export interface FrontendSlotOptions {
  readonly label: string;
  readonly prepare: Prepare;
  /** A connection may end before there is a frontend, and another one come. */
  readonly clientsChange: boolean;
}

/** The place of a character device's frontend. A connection that comes before there is one waits. */
export class FrontendSlot implements Connectable {
  readonly label: string;
  readonly #options: FrontendSlotOptions;
  #frontend: ChardevFrontend | undefined;
  /** A connection that is not ready for a frontend yet. */
  #preparing: Transport | undefined;
  #waiting: Waiting | undefined;

  constructor(options: FrontendSlotOptions) {
    this.label = options.label;
    this.#options = options;
  }

  get frontend(): ChardevFrontend | undefined {
    return this.#frontend;
  }

  attach(connection: Transport): Promise<Error | undefined> {
    const prepared = this.#options.prepare(connection);
    if (!(prepared instanceof Promise)) return this.#attachPrepared(prepared);
    this.#preparing = connection;
    return prepared.then(
      (transport) => {
        this.#preparing = undefined;
        return this.#attachPrepared(transport);
      },
      (error: Error) => {
        this.#preparing = undefined;
        return error;
      },
    );
  }

  #attachPrepared(prepared: Transport): Promise<Error | undefined> {
    if (this.#frontend !== undefined) return this.#frontend.attach(prepared);
    return new Promise((resolve) => {
      const transport = this.#options.clientsChange
        ? new HeldConnection(prepared, () => this.#forget(transport))
        : prepared;
      this.#waiting = { transport, resolve };
    });
  }

  #forget(transport: Transport): void {
    if (this.#waiting?.transport !== transport) return;
    this.#waiting.resolve(undefined);
    this.#waiting = undefined;
  }

  /** Gives it to a frontend, and the frontend the connection that waits. */
  connect(frontend: ChardevFrontend): void {
    this.#frontend = frontend;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(frontend.attach(waiting.transport));
  }

  /** Turns away a connection that no frontend has yet. */
  close(): void {
    this.#frontend = undefined;
    this.#preparing?.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.transport.destroy();
    waiting?.resolve(undefined);
  }
}
