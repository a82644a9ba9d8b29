import type { JsonObject, JsonValue } from '@godwit/json';
import { OptionError } from './option-error.js';

/**
 * Makes objects of keys with dots, and lists where they are numbers: `socket.type=unix,socket.path=/x` is
 * `{"socket": {"type": "unix", "path": "/x"}}`, `rules.0=x` is `{"rules": ["x"]}`.
 * @throws OptionError where a key is given a value and members, and where a list has a gap
 */
export function nestDottedKeys(given: Readonly<Record<string, JsonValue>>): JsonObject {
  return nest(given, '');
}

/** @param path what errors put before a key */
function nest(given: Readonly<Record<string, JsonValue>>, path: string): JsonObject {
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
    if (Object.hasOwn(nested, name))
      throw new OptionError(`Parameters '${path}${name}.*' used inconsistently`);
    nested[name] = listOf(nest(inner, `${path}${name}.`), `${path}${name}`);
  }
  return nested;
}

/** The list that an object with numbers for keys is; other objects are what they are. */
function listOf(members: JsonObject, path: string): JsonValue {
  const numbers = Object.keys(members);
  if (!numbers.every((key) => /^\d+$/.test(key))) return members;
  return numbers.map((_, index) => {
    const member = members[index];
    if (member === undefined) throw new OptionError(`Parameter '${path}.${index}' missing`);
    return member;
  });
}
