import { JsonError } from './error.js';
import { JsonReader } from './reader.js';
import type { JsonValue } from './value.js';

/**
 * The one value that a text holds.
 * @throws JsonError when the text is no JSON, holds none, or more than one
 */
export function parse(text: string | Uint8Array): JsonValue {
  const reader = new JsonReader();
  reader.push(typeof text === 'string' ? Buffer.from(text) : text);
  let value: JsonValue | undefined;
  for (
    let message = reader.read() ?? reader.end();
    message !== undefined;
    message = reader.read() ?? reader.end()
  ) {
    if (message.error !== undefined) throw new JsonError(message.error.message);
    if (value !== undefined) throw new JsonError('Expecting at most one JSON value');
    value = message.value;
  }
  if (value === undefined) throw new JsonError('Expecting a JSON value');
  return value;
}
