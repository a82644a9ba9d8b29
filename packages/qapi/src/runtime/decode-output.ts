import { alternativeFor } from './alternate.js';
import {
  branchMembers,
  findType,
  type MemberDescriptor,
  type ObjectDescriptor,
  type ProtocolDescriptor,
  type TypeRef,
} from './descriptor.js';
import { integerTypes, isIntegerName } from './integers.js';
import { doubleOf, integerOf, type JsonObject, type JsonValue, kindOf, memberOf } from './json.js';

/** What a server sent does not have the shape that the protocol declares. `path` leads to the value: `cpus[0].thread-id`. */
export class OutputMismatch extends Error {
  readonly path: string;

  constructor(path: string, problem: string) {
    super(path === '' ? problem : `${path}: ${problem}`);
    this.name = 'OutputMismatch';
    this.path = path;
  }
}

/**
 * Decodes what a server sent, leniently, since it may be newer: unknown enum values, unknown members and values
 * that no alternative takes survive as they are. A missing member that is not optional or a value of another kind
 * would make the types lie, and is an error.
 *
 * @throws OutputMismatch
 */
export function decodeOutput(protocol: ProtocolDescriptor, type: TypeRef, value: JsonValue): unknown {
  return output(protocol, type, value, '');
}

function output(protocol: ProtocolDescriptor, type: TypeRef, value: JsonValue, path: string): unknown {
  if (typeof type !== 'string') {
    if (!Array.isArray(value)) throw new OutputMismatch(path, 'is not an array');
    return value.map((item, index) => output(protocol, type[0], item, `${path}[${index}]`));
  }
  if (isIntegerName(type)) {
    const { signed, wide } = integerTypes[type];
    const integer = integerOf(value);
    if (integer === undefined) throw new OutputMismatch(path, 'is not an integer');
    if (!wide) return Number(integer);
    return signed ? integer : BigInt.asUintN(64, integer);
  }
  switch (type) {
    case 'str':
      if (typeof value !== 'string') throw new OutputMismatch(path, 'is not a string');
      return value;
    case 'bool':
      if (typeof value !== 'boolean') throw new OutputMismatch(path, 'is not a boolean');
      return value;
    case 'null':
      if (value !== null) throw new OutputMismatch(path, 'is not null');
      return value;
    case 'number': {
      const number = doubleOf(value);
      if (number === undefined) throw new OutputMismatch(path, 'is not a number');
      return number;
    }
    case 'any':
      return value;
  }
  const descriptor = findType(protocol, type);
  switch (descriptor.kind) {
    case 'enum':
      if (typeof value !== 'string') throw new OutputMismatch(path, 'is not a string');
      return value;
    case 'object':
      if (kindOf(value) !== 'object') throw new OutputMismatch(path, 'is not an object');
      return outputObject(protocol, descriptor, value as JsonObject, path);
    case 'alternate': {
      const alternative = alternativeFor(protocol, descriptor, kindOf(value));
      return alternative === undefined ? value : output(protocol, alternative, value, path);
    }
  }
}

function outputObject(
  protocol: ProtocolDescriptor,
  type: ObjectDescriptor,
  source: JsonObject,
  path: string,
): object {
  // Unknown members stay; the known ones are replaced by their decoded values. Spread keeps a `__proto__` member.
  const target: Record<string, unknown> = { ...source };
  const visit = (members: readonly MemberDescriptor[]): void => {
    for (const { name, type: memberType, optional } of members) {
      const value = memberOf(source, name);
      const place = path === '' ? name : `${path}.${name}`;
      if (value !== undefined) target[name] = output(protocol, memberType, value, place);
      else if (!optional) throw new OutputMismatch(place, 'is missing');
    }
  };
  visit(type.members);
  if (type.tag !== undefined) visit(branchMembers(protocol, type, target[type.tag]));
  return target;
}
