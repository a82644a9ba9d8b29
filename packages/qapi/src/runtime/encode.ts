import { alternativeFor } from './alternate.js';
import {
  branchMembers,
  findType,
  type IntegerName,
  type MemberDescriptor,
  type ObjectDescriptor,
  type ProtocolDescriptor,
  type TypeRef,
} from './descriptor.js';
import { integerTypes, isIntegerName } from './integers.js';
import { doubleOf, isDouble, type JsonObject, type JsonValue, kindOf } from './json.js';

/**
 * Turns a typed value into JSON values. Members that are undefined are left out; integers are taken as number or
 * bigint. Members come in the order of the schema.
 *
 * @throws TypeError that names the place when the value is not of the type: a mistake of the program, not of its peer
 */
export function encode(protocol: ProtocolDescriptor, type: TypeRef, value: unknown): JsonValue {
  return encodeAt(protocol, type, value, '');
}

function encodeAt(protocol: ProtocolDescriptor, type: TypeRef, value: unknown, path: string): JsonValue {
  if (typeof type !== 'string') {
    if (!Array.isArray(value)) throw mismatch(path, 'an array', value);
    return value.map((item, index) => encodeAt(protocol, type[0], item, `${path}[${index}]`));
  }
  if (isIntegerName(type)) return encodeInteger(type, value, path);
  switch (type) {
    case 'str':
      if (typeof value !== 'string') throw mismatch(path, 'a string', value);
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(path, 'a boolean', value);
      return value;
    case 'null':
      if (value !== null) throw mismatch(path, 'null', value);
      return value;
    case 'number': {
      const number = doubleOf(value);
      if (number === undefined || !Number.isFinite(number)) throw mismatch(path, 'a finite number', value);
      return value as number | bigint;
    }
    case 'any':
      return encodeAny(value, path);
  }
  const descriptor = findType(protocol, type);
  switch (descriptor.kind) {
    case 'enum':
      if (typeof value !== 'string' || !descriptor.values.includes(value)) {
        throw mismatch(path, `a value of ${type}`, value);
      }
      return value;
    case 'object':
      return encodeObject(protocol, descriptor, type, value, path);
    case 'alternate': {
      const alternative = alternativeFor(protocol, descriptor, kindOf(value));
      if (alternative === undefined) throw mismatch(path, `a value of ${type}`, value);
      return encodeAt(protocol, alternative, value, path);
    }
  }
}

function encodeInteger(name: IntegerName, value: unknown, path: string): number | bigint {
  const { min, max } = integerTypes[name];
  if (typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'bigint') {
    throw mismatch(path, `an integer of type ${name}`, value);
  }
  const integer = BigInt(value as number | bigint);
  if (integer < min || integer > max) throw mismatch(path, `an integer of type ${name}`, value);
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

function encodeObject(
  protocol: ProtocolDescriptor,
  type: ObjectDescriptor,
  typeName: string,
  value: unknown,
  path: string,
): JsonObject {
  if (kindOf(value) !== 'object') throw mismatch(path, `a value of ${typeName}`, value);
  const source = value as Record<string, unknown>;
  const target: JsonObject = Object.create(null) as JsonObject;
  const visit = (members: readonly MemberDescriptor[]): void => {
    for (const { name, type: memberType, optional } of members) {
      const member = Object.hasOwn(source, name) ? source[name] : undefined;
      const place = path === '' ? name : `${path}.${name}`;
      if (member !== undefined) target[name] = encodeAt(protocol, memberType, member, place);
      else if (!optional) throw new TypeError(`${place}: is missing`);
    }
  };
  visit(type.members);
  if (type.tag !== undefined) visit(branchMembers(protocol, type, source[type.tag]));
  for (const name of Object.keys(source)) {
    if (source[name] !== undefined && !Object.hasOwn(target, name)) {
      throw new TypeError(`${path === '' ? name : `${path}.${name}`}: ${typeName} has no such member`);
    }
  }
  return target;
}

function encodeAny(value: unknown, path: string): JsonValue {
  switch (kindOf(value)) {
    case undefined:
      throw mismatch(path, 'a JSON value', value);
    case 'array':
      return (value as unknown[]).map((item, index) => encodeAny(item, `${path}[${index}]`));
    case 'object': {
      const target: JsonObject = Object.create(null) as JsonObject;
      for (const [name, member] of Object.entries(value as object)) {
        if (member !== undefined) target[name] = encodeAny(member, path === '' ? name : `${path}.${name}`);
      }
      return target;
    }
    default:
      return value as JsonValue;
  }
}

function mismatch(path: string, expected: string, value: unknown): TypeError {
  const found =
    typeof value === 'string'
      ? `'${value}'`
      : typeof value === 'bigint' || typeof value === 'number'
        ? `${value}`
        : typeof value === 'object' && value !== null && isDouble(value)
          ? (value.text ?? `${value.value}`)
          : (kindOf(value) ?? typeof value);
  return new TypeError(`${path === '' ? '' : `${path}: `}expected ${expected}, found ${found}`);
}
