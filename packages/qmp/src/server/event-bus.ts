import type { Clock, Timer } from '@godwit/clock';
import { type JsonObject, stringify } from '@godwit/json';
import { type EventThrottle, eventThrottles } from './event-throttle.js';

/** An event on its way to the monitors. Its text is made once for all that take it in the same form. */
export class EmittedEvent {
  readonly name: string;
  readonly message: JsonObject;
  #plain: string | undefined;
  #pretty: string | undefined;

  constructor(name: string, data: JsonObject | undefined, wallMicroseconds: number) {
    this.name = name;
    const message: JsonObject = Object.create(null);
    message.timestamp = {
      seconds: Math.floor(wallMicroseconds / 1_000_000),
      microseconds: wallMicroseconds % 1_000_000,
    };
    message.event = name;
    if (data !== undefined && Object.keys(data).length > 0) message.data = data;
    this.message = message;
  }

  get data(): JsonObject | undefined {
    return this.message.data as JsonObject | undefined;
  }

  text(pretty: boolean): string {
    if (pretty) {
      this.#pretty ??= stringify(this.message, { pretty: true, doubles: 'printf' });
      return this.#pretty;
    }
    this.#plain ??= stringify(this.message, { doubles: 'printf' });
    return this.#plain;
  }
}

export type EventSink = (event: EmittedEvent) => void;

interface Bucket {
  timer: Timer;
  /** The latest event that was held back since the last one went out. */
  held: EmittedEvent | undefined;
}

/**
 * Takes the machine's events and passes them on to whoever listens, those in the throttling table at most once per
 * interval: the first at once, then the latest of each interval at its end.
 */
export class EventBus {
  readonly #clock: Clock;
  readonly #throttles: Readonly<Record<string, EventThrottle>>;
  readonly #sinks = new Set<EventSink>();
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, throttles: Readonly<Record<string, EventThrottle>> = eventThrottles) {
    this.#clock = clock;
    this.#throttles = throttles;
  }

  /** Events go to `sink` until the returned function is called. */
  subscribe(sink: EventSink): () => void {
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  /** Data without members is left out of the message. */
  emit(name: string, data?: JsonObject): void {
    const event = new EmittedEvent(name, data, this.#clock.wallMicroseconds());
    const throttle = Object.hasOwn(this.#throttles, name) ? this.#throttles[name] : undefined;
    if (throttle === undefined || (data !== undefined && throttle.exempt?.(data))) {
      this.#deliver(event);
      return;
    }
    const key = bucketKey(event, throttle);
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) {
      bucket.held = event;
      return;
    }
    this.#buckets.set(key, { held: undefined, timer: this.#startInterval(key, throttle) });
    this.#deliver(event);
  }

  /** Drops what is held back and stops all timers. */
  close(): void {
    for (const bucket of this.#buckets.values()) bucket.timer.cancel();
    this.#buckets.clear();
    this.#sinks.clear();
  }

  #startInterval(key: string, throttle: EventThrottle): Timer {
    return this.#clock.setTimer(() => this.#endInterval(key, throttle), throttle.intervalMs);
  }

  #endInterval(key: string, throttle: EventThrottle): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return;
    const event = bucket.held;
    if (event === undefined) {
      this.#buckets.delete(key);
      return;
    }
    bucket.held = undefined;
    bucket.timer = this.#startInterval(key, throttle);
    this.#deliver(event);
  }

  #deliver(event: EmittedEvent): void {
    for (const sink of this.#sinks) sink(event);
  }
}

function bucketKey(event: EmittedEvent, throttle: EventThrottle): string {
  if (throttle.key === undefined) return event.name;
  return `${event.name}\0${String(event.data?.[throttle.key] ?? '')}`;
}
