import { alternativeFor } from './alternate.js';
import {
  type AlternateDescriptor,
  branchMembers,
  type EnumDescriptor,
  findType,
  type IntegerName,
  type MemberDescriptor,
  type ObjectDescriptor,
  type ProtocolDescriptor,
  type TypeRef,
} from './descriptor.js';
import { QapiError } from './error.js';
import { int64, integerTypes, uint64 } from './integers.js';
import { doubleOf, integerOf, type JsonObject, type JsonValue, kindOf, memberOf } from './json.js';
import { unexpectedMember } from './unexpected-member.js';

/** Whether a server still takes what is deprecated or unstable (QAPI schema: CompatPolicy). */
export interface InputPolicy {
  readonly deprecatedInput?: 'accept' | 'reject';
  readonly unstableInput?: 'accept' | 'reject';
}

/**
 * Decodes what a client sent, strictly: unknown members and values are errors, and so is a number that is not
 * written as an integer where an integer is expected.
 *
 * Members are visited in the order of the schema (base, own, branch), then unexpected ones are looked for; the
 * first error is thrown, in the words of a QEMU server. The path in a text is the full one (`file.cache.direct`,
 * `keys[0].data`), except where QEMU gives the member's name alone: unknown enum values, small integers out of
 * range, alternates.
 *
 * @throws QapiError of class GenericError
 */
export function decode(
  protocol: ProtocolDescriptor,
  type: TypeRef,
  value: JsonValue,
  policy: InputPolicy = {},
): unknown {
  return new InputDecoder(protocol, policy).value(type, value, undefined);
}

class InputDecoder {
  readonly #protocol: ProtocolDescriptor;
  readonly #policy: InputPolicy;
  /** The names and indices that lead to the container that is being visited. */
  readonly #path: (string | number)[] = [];

  constructor(protocol: ProtocolDescriptor, policy: InputPolicy) {
    this.#protocol = protocol;
    this.#policy = policy;
  }

  /** `place` is the member's name, the element's index, or undefined for the value that the caller passed. */
  value(type: TypeRef, value: JsonValue, place: string | number | undefined): unknown {
    if (typeof type !== 'string') return this.#array(type[0], value, place);
    switch (type) {
      case 'str':
        if (typeof value !== 'string') throw this.#wrongType(place, 'string');
        return value;
      case 'bool':
        if (typeof value !== 'boolean') throw this.#wrongType(place, 'boolean');
        return value;
      case 'null':
        if (value !== null) throw this.#wrongType(place, 'null');
        return value;
      case 'number': {
        const number = doubleOf(value);
        if (number === undefined) throw this.#wrongType(place, 'number');
        return number;
      }
      case 'any':
        return value;
      case 'int':
      case 'int8':
      case 'int16':
      case 'int32':
      case 'int64':
      case 'uint8':
      case 'uint16':
      case 'uint32':
      case 'uint64':
      case 'size':
        return this.#integer(type, value, place);
      default: {
        const descriptor = findType(this.#protocol, type);
        if (descriptor.kind === 'enum') return this.#enum(descriptor, value, place);
        if (descriptor.kind === 'object') return this.#object(descriptor, value, place);
        return this.#alternate(type, descriptor, value, place);
      }
    }
  }

  #integer(name: IntegerName, value: JsonValue, place: string | number | undefined): number | bigint {
    const type = integerTypes[name];
    let integer = integerOf(value);
    if (type.signed) {
      if (integer === undefined || integer < int64.min || integer > int64.max) {
        throw this.#wrongType(place, 'integer');
      }
    } else {
      if (integer === undefined || integer < int64.min || integer > uint64.max) {
        throw new QapiError('GenericError', `Parameter '${this.#fullName(place)}' expects uint64`);
      }
      // Old clients send -1 for the largest value.
      integer = BigInt.asUintN(64, integer);
    }
    if (integer < type.min || integer > type.max) {
      throw new QapiError('GenericError', `Parameter '${localName(place)}' expects ${type.label}`);
    }
    return type.wide ? integer : Number(integer);
  }

  #enum(type: EnumDescriptor, value: JsonValue, place: string | number | undefined): string {
    if (typeof value !== 'string') throw this.#wrongType(place, 'string');
    if (!type.values.includes(value)) {
      throw new QapiError('GenericError', `Parameter '${localName(place)}' does not accept value '${value}'`);
    }
    checkPolicy(this.#policy, type.features?.[value], 'GenericError', 'value', value);
    return value;
  }

  #array(element: TypeRef, value: JsonValue, place: string | number | undefined): unknown[] {
    if (!Array.isArray(value)) throw this.#wrongType(place, 'array');
    if (place !== undefined) this.#path.push(place);
    const result = value.map((item, index) => this.value(element, item, index));
    if (place !== undefined) this.#path.pop();
    return result;
  }

  #object(type: ObjectDescriptor, value: JsonValue, place: string | number | undefined): object {
    if (kindOf(value) !== 'object') throw this.#wrongType(place, 'object');
    const source = value as JsonObject;
    const target: Record<string, unknown> = {};
    if (place !== undefined) this.#path.push(place);
    this.#members(type.members, source, target);
    if (type.tag !== undefined) {
      this.#members(branchMembers(this.#protocol, type, target[type.tag]), source, target);
    }
    const isExpected = (name: string) => Object.hasOwn(target, name) || source[name] === undefined;
    const members = Object.keys(source);
    if (!members.every(isExpected)) {
      const name = unexpectedMember(members, isExpected);
      throw new QapiError('GenericError', `Parameter '${this.#fullName(name)}' is unexpected`);
    }
    if (place !== undefined) this.#path.pop();
    return target;
  }

  #members(members: readonly MemberDescriptor[], source: JsonObject, target: Record<string, unknown>): void {
    for (const { name, type, optional, features } of members) {
      const value = memberOf(source, name);
      if (value === undefined && optional) continue;
      checkPolicy(this.#policy, features, 'GenericError', 'parameter', name);
      if (value === undefined) {
        throw new QapiError('GenericError', `Parameter '${this.#fullName(name)}' is missing`);
      }
      target[name] = this.value(type, value, name);
    }
  }

  #alternate(
    name: string,
    type: AlternateDescriptor,
    value: JsonValue,
    place: string | number | undefined,
  ): unknown {
    const alternative = alternativeFor(this.#protocol, type, kindOf(value));
    if (alternative === undefined) {
      throw new QapiError(
        'GenericError',
        `Invalid parameter type for '${localName(place)}', expected: ${name}`,
      );
    }
    return this.value(alternative, value, place);
  }

  #wrongType(place: string | number | undefined, expected: string): QapiError {
    return new QapiError(
      'GenericError',
      `Invalid parameter type for '${this.#fullName(place)}', expected: ${expected}`,
    );
  }

  #fullName(place: string | number | undefined): string {
    const steps = place === undefined ? this.#path : [...this.#path, place];
    if (steps.length === 0) return '<anonymous>';
    return steps
      .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
      .join('')
      .replace(/^\./, '');
  }
}

function localName(place: string | number | undefined): string {
  return typeof place === 'string' ? place : 'null';
}

/**
 * Refuses what the policy does not take any more.
 * @throws QapiError of the class given, `Deprecated parameter x disabled by policy`
 */
export function checkPolicy(
  policy: InputPolicy,
  features: readonly string[] | undefined,
  errorClass: 'GenericError' | 'CommandNotFound',
  kind: 'command' | 'parameter' | 'value',
  name: string,
): void {
  if (features === undefined) return;
  if (policy.deprecatedInput === 'reject' && features.includes('deprecated')) {
    throw new QapiError(errorClass, `Deprecated ${kind} ${name} disabled by policy`);
  }
  if (policy.unstableInput === 'reject' && features.includes('unstable')) {
    throw new QapiError(errorClass, `Unstable ${kind} ${name} disabled by policy`);
  }
}
