import type { Clock } from '@godwit/clock';
import { CommandQueue } from './command-queue.js';
import { Delivery } from './delivery.js';
import type { Dispatcher } from './dispatcher.js';
import { EventBus } from './event-bus.js';
import type { EventThrottle } from './event-throttle.js';
import { defaultSessionLimits, type SessionLimits } from './limits.js';
import { Monitor, type MonitorOptions } from './monitor.js';
import type { Session, SessionEnvironment } from './session.js';

export interface QmpServerOptions {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** Which events are held back, and for how long; QEMU's table unless told otherwise. */
  readonly throttles?: Readonly<Record<string, EventThrottle>>;
  readonly limits?: Partial<SessionLimits>;
}

/** All monitors of one machine: they share its commands, executed one at a time, and its events. */
export class QmpServer {
  readonly events: EventBus;
  readonly #environment: SessionEnvironment;
  readonly #delivery: Delivery;
  readonly #monitors = new Set<Monitor>();
  readonly #disconnectListeners = new Set<(monitor: Monitor) => void>();

  constructor(options: QmpServerOptions) {
    this.events = new EventBus(options.clock, options.throttles);
    this.#delivery = new Delivery(options.clock);
    this.#environment = {
      dispatcher: options.dispatcher,
      queue: new CommandQueue(),
      events: this.events,
      limits: { ...defaultSessionLimits, ...options.limits },
    };
  }

  get monitors(): ReadonlySet<Monitor> {
    return this.#monitors;
  }

  /** How many clients are connected. */
  get connected(): number {
    let count = 0;
    for (const monitor of this.#monitors) if (monitor.session !== undefined) count++;
    return count;
  }

  addMonitor(options: MonitorOptions): Monitor {
    const monitor = new Monitor(options, this.#environment, (gone) => {
      for (const listener of this.#disconnectListeners) listener(gone);
    });
    this.#monitors.add(monitor);
    return monitor;
  }

  removeMonitor(monitor: Monitor): void {
    if (this.#monitors.delete(monitor)) monitor.close();
  }

  /** Calls `listener` whenever a client has gone, until the returned function is called. */
  onDisconnect(listener: (monitor: Monitor) => void): () => void {
    this.#disconnectListeners.add(listener);
    return () => this.#disconnectListeners.delete(listener);
  }

  /**
   * Sends the events so far now, rather than at the end of this turn of the event loop, and waits for a moment until clients
   * have read them, where that can be told. Returns undefined where there is nothing to wait for. Never rejects.
   */
  deliver(): Promise<void> | undefined {
    return this.#delivery.deliver(this.#listeners());
  }

  *#listeners(): Iterable<Session> {
    for (const { session } of this.#monitors) if (session?.negotiated) yield session;
  }

  /** Sends what is queued, disconnects all clients and stops the timers. */
  close(): void {
    for (const monitor of [...this.#monitors]) this.removeMonitor(monitor);
    this.events.close();
  }
}
