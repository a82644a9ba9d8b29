/**
 * JSON values as `@godwit/json` makes them, described by their shape, so that generated code needs no other package.
 * An integer literal is a `number` while it is safe and a `bigint` beyond that; every other number is a {@link JsonDouble}.
 */
export type JsonValue = null | boolean | string | number | bigint | JsonDouble | JsonValue[] | JsonObject;

export interface JsonObject {
  [member: string]: JsonValue;
}

/** A number that is not written as an integer in the range of i64 or u64: `1.5`, `1e3`, `99999999999999999999`. */
export interface JsonDouble {
  readonly value: number;
  readonly text: string | undefined;
}

export type JsonKind = 'null' | 'boolean' | 'string' | 'number' | 'array' | 'object';

/** The JSON kind of a value; `undefined` for what JSON cannot hold. */
export function kindOf(value: unknown): JsonKind | undefined {
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'string':
      return 'string';
    case 'number':
    case 'bigint':
      return 'number';
    case 'object':
      if (value === null) return 'null';
      if (Array.isArray(value)) return 'array';
      return isDouble(value) ? 'number' : 'object';
    default:
      return undefined;
  }
}

/**
 * A double is an instance of a class, while a JSON object has no prototype or, made by a program, the plain one.
 * This tells `{"value": 1, "text": "1"}` from a double.
 */
export function isDouble(value: object): value is JsonDouble {
  const prototype = Object.getPrototypeOf(value);
  return (
    prototype !== null &&
    prototype !== Object.prototype &&
    typeof (value as { value?: unknown }).value === 'number' &&
    'text' in value
  );
}

/** The exact integer that a value stands for; `undefined` when it was not written as an integer. */
export function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

/** The nearest double to a number; `undefined` for other kinds. */
export function doubleOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'object' && value !== null && isDouble(value) ? value.value : undefined;
}

/** A member of an object by a name that came from outside; `undefined` when there is none. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
