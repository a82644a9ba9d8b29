import type { JsonObject } from '@godwit/json';
import { encodeEvent } from '@godwit/qapi/runtime';
import { type Events, protocol } from './generated/index.js';

/** Reports an event to whoever listens. */
export type Emit = <Name extends keyof Events>(
  name: Name,
  ...data: Events[Name] extends undefined ? [] : [data: Events[Name]]
) => void;

/** Takes events as JSON: the event bus of the monitors. */
export interface EventSink {
  emit(name: string, data?: JsonObject): void;
}

/**
 * Has the events so far written to the sockets of whoever listens, before it returns; what it returns says when they were
 * read, or need not be waited for any more. Never rejects.
 */
export type DeliverEvents = () => Promise<void> | undefined;

/** Events of the schema, encoded for `sink`. */
export function emitterTo(sink: EventSink): Emit {
  return (name, ...data) => sink.emit(name, encodeEvent(protocol, name, data[0]) as JsonObject | undefined);
}
