import {
  findType,
  type JsonObject,
  type JsonValue,
  type MemberDescriptor,
  type ProtocolDescriptor,
  type TypeRef,
} from '../../src/runtime/index.js';
import { integerTypes, isIntegerName } from '../../src/runtime/integers.js';
import { Double } from './json-text.js';
import type { Random } from './random.js';

/** Below this depth optional members are left out, so that types that contain themselves come to an end. */
const depthLimit = 5;

/** Strings that name nothing: no path, no command, no identifier that a server knows. */
const words: readonly string[] = ['', 'a', 'no-such-thing', 'two words', '0', 'größer', 'TRUE'];

/** Forms of numbers at the edges of what the types hold, and beside them. */
const numbers: readonly JsonValue[] = [
  ...[0, -1, 1, 127, 128, -128, -129, 255, 256, 32767, 32768, 65535, 65536].map((value) => value),
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1],
  ...[2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)],
  ...['1.5', '1.0', '1e3', '-0.0', '18446744073709551616', '-9223372036854775809'].map(
    (text) => new Double(text),
  ),
];

const others: readonly JsonValue[] = [null, true, false, 'a', 7, [], [null], {}, { a: 1 }, new Double('0.5')];

/** Names that no type has a member of. */
const strangers: readonly string[] = ['bogus', 'ID', 'no_such', 'x-none', 'toString'];

/**
 * Makes values of a type. With `faults` above 0, each part of the value is wrong with that probability: of another
 * kind, out of range, unknown, missing or unexpected.
 */
export class ArgumentGenerator {
  readonly #protocol: ProtocolDescriptor;
  readonly #random: Random;
  readonly #faults: number;

  constructor(protocol: ProtocolDescriptor, random: Random, faults: number) {
    this.#protocol = protocol;
    this.#random = random;
    this.#faults = faults;
  }

  value(type: TypeRef, depth = 0): JsonValue {
    // Arguments as a whole have to be an object, or the request itself is wrong.
    if (depth > 0 && this.#faulty()) return this.#random.pick(this.#random.chance(0.5) ? others : numbers);
    if (typeof type !== 'string') {
      const length = depth > depthLimit ? 0 : this.#random.below(4);
      return Array.from({ length }, () => this.value(type[0], depth + 1));
    }
    if (isIntegerName(type)) return this.#integer(type);
    switch (type) {
      case 'str':
        return this.#random.pick(words);
      case 'bool':
        return this.#random.chance(0.5);
      case 'number':
        return this.#random.pick(numbers);
      case 'null':
        return null;
      case 'any':
        return this.#random.pick(others);
    }
    const descriptor = findType(this.#protocol, type);
    switch (descriptor.kind) {
      case 'enum':
        return this.#faulty() || descriptor.values.length === 0
          ? this.#random.pick(['bogus', '', descriptor.values[0]?.toUpperCase() ?? 'A', 'constructor'])
          : this.#random.pick(descriptor.values);
      case 'alternate': {
        // The simplest alternative ends the recursion.
        const simple = descriptor.alternatives.filter(
          (one) => one === 'str' || one === 'null' || isIntegerName(`${one}`),
        );
        const choices = depth > depthLimit && simple.length > 0 ? simple : descriptor.alternatives;
        return this.value(this.#random.pick(choices), depth + 1);
      }
      case 'object': {
        const target: JsonObject = {};
        this.#members(descriptor.members, target, depth);
        const tag = descriptor.tag === undefined ? undefined : target[descriptor.tag];
        const branch =
          typeof tag === 'string' &&
          descriptor.branches !== undefined &&
          Object.hasOwn(descriptor.branches, tag)
            ? findType(this.#protocol, descriptor.branches[tag]!)
            : undefined;
        if (branch?.kind === 'object') this.#members(branch.members, target, depth);
        while (this.#faulty()) target[this.#random.pick(strangers)] = this.#random.pick(others);
        return target;
      }
    }
  }

  #members(members: readonly MemberDescriptor[], target: JsonObject, depth: number): void {
    const wanted = depth > depthLimit ? 0 : 0.5 / (depth + 1);
    for (const { name, type, optional } of members) {
      if (optional ? !this.#random.chance(wanted) : this.#faulty()) continue;
      target[name] = this.value(type, depth + 1);
    }
  }

  #integer(type: keyof typeof integerTypes): JsonValue {
    const { min, max } = integerTypes[type];
    if (this.#faulty()) return this.#random.pick(numbers);
    const value = this.#random.pick([min, max, 0n, 1n, BigInt(this.#random.below(100))]);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #faulty(): boolean {
    return this.#faults > 0 && this.#random.chance(this.#faults);
  }
}
