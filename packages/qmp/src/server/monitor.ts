import { NamedDescriptors } from '../descriptors/named-descriptors.js';
import type { Transport } from '../transport.js';
import type { MonitorIdentity } from './dispatcher.js';
import { Session, type SessionEnvironment } from './session.js';

export interface MonitorOptions {
  /** Names the monitor in reports, as a chardev's id does. */
  readonly label: string;
  /** Replies and events over several lines. */
  readonly pretty?: boolean;
  /** Whether the greeting offers out-of-band execution; QEMU offers it on sockets. */
  readonly oob?: boolean;
}

/** One configured monitor. One client at a time is connected to it; what belongs to the monitor outlives the client. */
export class Monitor implements MonitorIdentity {
  readonly label: string;
  readonly pretty: boolean;
  readonly offersOob: boolean;
  readonly descriptors: NamedDescriptors;
  readonly #environment: SessionEnvironment;
  readonly #onDisconnect: (monitor: Monitor) => void;
  #session: Session | undefined;

  /** @param onDisconnect called whenever a client has gone */
  constructor(
    options: MonitorOptions,
    environment: SessionEnvironment,
    onDisconnect: (monitor: Monitor) => void,
  ) {
    this.label = options.label;
    this.pretty = options.pretty ?? false;
    this.offersOob = options.oob ?? true;
    this.descriptors = new NamedDescriptors(environment.limits.closeDescriptor);
    this.#environment = environment;
    this.#onDisconnect = onDisconnect;
  }

  /** The connection that is there now. */
  get session(): Session | undefined {
    return this.#session;
  }

  /**
   * Connects a client.
   * @returns a promise of its end, with the reason if it did not end in the usual way
   * @throws Error when a client is connected already
   */
  attach(transport: Transport): Promise<Error | undefined> {
    if (this.#session !== undefined) throw new Error(`monitor ${this.label} has a client already`);
    return new Promise((resolve) => {
      this.#session = new Session(this, transport, this.#environment, (reason) => {
        this.#session = undefined;
        this.#onDisconnect(this);
        resolve(reason);
      });
    });
  }

  /** Disconnects the client and closes the descriptors that belong to the monitor. */
  close(): void {
    this.#session?.end();
    this.descriptors.closeAll();
  }
}
