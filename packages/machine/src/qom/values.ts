import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';

/** What a property that takes integers was given. @throws QapiError */
export function integerValue(name: string, value: JsonValue): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new QapiError('GenericError', `Invalid parameter type for '${name}', expected: integer`);
}

/** What a property that takes a string was given. @throws QapiError */
export function stringValue(name: string, value: JsonValue): string {
  if (typeof value === 'string') return value;
  throw new QapiError('GenericError', `Invalid parameter type for '${name}', expected: string`);
}

/** What a property that takes a boolean was given. @throws QapiError */
export function booleanValue(name: string, value: JsonValue): boolean {
  if (typeof value === 'boolean') return value;
  throw new QapiError('GenericError', `Invalid parameter type for '${name}', expected: boolean`);
}
