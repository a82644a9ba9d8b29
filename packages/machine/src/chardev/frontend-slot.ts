import type { Connectable, Transport } from '@godwit/qmp';

/** What uses a character device: a monitor, or a serial port. It gets one connection at a time. */
export interface ChardevFrontend extends Connectable {
  /** Takes what it says while nobody is connected. */
  onUnheard?: ((bytes: Uint8Array) => void) | undefined;
  /** It gets, or no longer gets, the keys of a connection that it shares. */
  focus?(gained: boolean): void;
}

interface Waiting {
  readonly transport: Transport;
  readonly resolve: (ended: Promise<Error | undefined> | undefined) => void;
}

/** The place of a character device's frontend. A connection that comes before there is one waits, unread. */
export class FrontendSlot implements Connectable {
  readonly label: string;
  /** What a connection goes through before the frontend gets it. */
  readonly #wrap: (transport: Transport) => Transport;
  #frontend: ChardevFrontend | undefined;
  #waiting: Waiting | undefined;

  constructor(label: string, wrap: (transport: Transport) => Transport) {
    this.label = label;
    this.#wrap = wrap;
  }

  get frontend(): ChardevFrontend | undefined {
    return this.#frontend;
  }

  attach(connection: Transport): Promise<Error | undefined> {
    const transport = this.#wrap(connection);
    if (this.#frontend !== undefined) return this.#frontend.attach(transport);
    return new Promise((resolve) => {
      this.#waiting = { transport, resolve };
    });
  }

  /** Gives it to a frontend, and the frontend the connection that waits. */
  connect(frontend: ChardevFrontend): void {
    this.#frontend = frontend;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(frontend.attach(waiting.transport));
  }

  /** Turns away a connection that waits. */
  close(): void {
    this.#frontend = undefined;
    this.#waiting?.transport.destroy();
    this.#waiting?.resolve(undefined);
    this.#waiting = undefined;
  }
}
