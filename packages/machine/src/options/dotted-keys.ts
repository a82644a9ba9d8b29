import type { JsonObject, JsonValue } from '@godwit/json';
import { OptionError } from './option-error.js';

/**
 * Makes objects of keys with dots: `socket.type=unix,socket.path=/x` is `{"socket": {"type": "unix", "path": "/x"}}`.
 * @throws OptionError where a key is given a value and members
 */
export function nestDottedKeys(given: Readonly<Record<string, JsonValue>>): JsonObject {
  const members = new Map<string, Record<string, JsonValue>>();
  const nested: Record<string, JsonValue> = {};
  for (const [name, value] of Object.entries(given)) {
    const dot = name.indexOf('.');
    if (dot < 0) {
      nested[name] = value;
      continue;
    }
    const outer = name.slice(0, dot);
    const inner = members.get(outer) ?? {};
    inner[name.slice(dot + 1)] = value;
    members.set(outer, inner);
  }
  for (const [name, inner] of members) {
    if (Object.hasOwn(nested, name)) throw new OptionError(`Parameters '${name}.*' used inconsistently`);
    nested[name] = nestDottedKeys(inner);
  }
  return nested;
}
