import type { JsonObject, JsonValue } from '@godwit/json';
import { isObject } from '../server/request.js';
import { EventStream } from './event-stream.js';
import type { QmpEvent, QmpGap } from './types.js';

export type EventListener = (event: QmpEvent) => void;

/** Turns the data of an event into typed values. @throws Error when they do not match */
export type DecodeEvent = (name: string, data: JsonValue | undefined) => unknown;

/** Brings a client's events, and the gaps between them, to those who listen and those who read. */
export class EventDistribution {
  readonly #decode: DecodeEvent | undefined;
  readonly #listeners = new Map<string, Set<EventListener>>();
  readonly #gapListeners = new Set<(gap: QmpGap) => void>();
  readonly #streams = new Set<EventStream<QmpEvent | QmpGap>>();

  /** @param decode without it the data of events are JSON */
  constructor(decode: DecodeEvent | undefined) {
    this.#decode = decode;
  }

  on(name: string, listener: EventListener): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, new Set([listener]));
    else listeners.add(listener);
  }

  off(name: string, listener: EventListener): void {
    const listeners = this.#listeners.get(name);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(name);
  }

  /** Returns how to stop listening. */
  onGap(listener: (gap: QmpGap) => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  /** @param capacity how many are kept while nobody reads */
  stream(capacity: number): EventStream<QmpEvent | QmpGap> {
    const stream = new EventStream<QmpEvent | QmpGap>(capacity, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }

  /** Takes an event as it came. */
  deliver(message: JsonObject): void {
    const name = String(message.event);
    const listeners = this.#listeners.get(name);
    if (listeners === undefined && this.#streams.size === 0) return;
    const event = this.#eventFrom(name, message);
    if (listeners !== undefined) {
      for (const listener of [...listeners]) callListener(() => listener(event));
    }
    for (const stream of this.#streams) stream.push(event);
  }

  deliverGap(gap: QmpGap): void {
    for (const listener of [...this.#gapListeners]) callListener(() => listener(gap));
    for (const stream of this.#streams) stream.push(gap);
  }

  /** Ends the streams: nothing more comes. */
  end(): void {
    for (const stream of [...this.#streams]) stream.end();
  }

  #eventFrom(name: string, message: JsonObject): QmpEvent {
    const { data } = message;
    const plain: QmpEvent = { type: 'event', name, data, timestamp: readTimestamp(message.timestamp) };
    if (this.#decode === undefined) return plain;
    try {
      return { ...plain, data: this.#decode(name, data) };
    } catch (error) {
      return { ...plain, mismatch: error as Error };
    }
  }
}

function readTimestamp(value: JsonValue | undefined): { seconds: number; microseconds: number } {
  const { seconds, microseconds } = isObject(value) ? value : {};
  // QEMU writes -1 for both when it has no time.
  return { seconds: Number(seconds ?? -1), microseconds: Number(microseconds ?? -1) };
}

/** An error in a listener is the listener's: it is reported as uncaught, and reaches neither the client nor other listeners. */
function callListener(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
