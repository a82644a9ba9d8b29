import { ARCS, arcName } from '../transitions.js';

/** What a property takes. Sizes and rates are bytes, times are milliseconds. */
export type PropertyType = 'size' | 'count' | 'milliseconds' | 'switch' | 'arcs' | 'choice';

export interface PropertyDefinition {
  readonly name: string;
  readonly type: PropertyType;
  readonly default: PropertyValue;
  readonly description: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** A size must be a multiple of this. */
  readonly multiple?: number;
  /** Another property that this one must not exceed; a default that would is lowered to it. */
  readonly atMost?: string;
  /** The values of a choice. */
  readonly values?: readonly string[];
}

export type PropertyValue = number | boolean | string;

/** A property that no model has, or a value that it does not take. The texts are those of QEMU's property errors. */
export class PropertyError extends Error {
  override readonly name = 'PropertyError';
  readonly property: string;

  constructor(property: string, message: string) {
    super(message);
    this.property = property;
  }
}

/** The values of a device's properties, defaults filled in. */
export class Properties {
  readonly #values: ReadonlyMap<string, PropertyValue>;

  constructor(values: ReadonlyMap<string, PropertyValue>) {
    this.#values = values;
  }

  number(name: string): number {
    const value = this.#values.get(name);
    if (typeof value !== 'number') throw new PropertyError(name, `property '${name}' is no number`);
    return value;
  }

  isOn(name: string): boolean {
    return this.#values.get(name) === true;
  }

  text(name: string): string {
    return String(this.#values.get(name) ?? '');
  }

  /** Name and value of every property, in the order of the tables. */
  entries(): IterableIterator<[string, PropertyValue]> {
    return this.#values.entries();
  }
}

/** Reads what a command line or a JSON object gives against the tables. Throws {@link PropertyError}. */
export function parseProperties(
  owner: string,
  definitions: readonly PropertyDefinition[],
  given: Readonly<Record<string, PropertyValue>>,
): Properties {
  for (const name of Object.keys(given)) {
    if (!definitions.some((definition) => definition.name === name)) {
      throw new PropertyError(name, `Property '${owner}.${name}' not found`);
    }
  }
  const values = definitions.map((definition): [string, PropertyValue] => {
    const value = given[definition.name];
    return [definition.name, value === undefined ? definition.default : parse(owner, definition, value)];
  });
  return new Properties(new Map(bounded(owner, definitions, given, new Map(values))));
}

/** Applies {@link PropertyDefinition.atMost}. */
function bounded(
  owner: string,
  definitions: readonly PropertyDefinition[],
  given: Readonly<Record<string, PropertyValue>>,
  values: Map<string, PropertyValue>,
): Map<string, PropertyValue> {
  for (const { name, atMost } of definitions) {
    const limit = atMost === undefined ? undefined : values.get(atMost);
    if (limit === undefined || values.get(name)! <= limit) continue;
    if (given[name] !== undefined) {
      throw new PropertyError(
        name,
        `Property '${owner}.${name}' doesn't take value '${given[name]}': expected at most ${atMost} (${limit})`,
      );
    }
    values.set(name, limit);
  }
  return values;
}

function parse(owner: string, definition: PropertyDefinition, given: PropertyValue): PropertyValue {
  const refuse = (expected: string) =>
    new PropertyError(
      definition.name,
      `Property '${owner}.${definition.name}' doesn't take value '${given}': expected ${expected}`,
    );
  switch (definition.type) {
    case 'switch': {
      if (given === true || given === 'on' || given === 'yes' || given === 'true') return true;
      if (given === false || given === 'off' || given === 'no' || given === 'false') return false;
      throw refuse("'on' or 'off'");
    }
    case 'choice':
      if (typeof given !== 'string' || definition.values?.includes(given) !== true) {
        throw refuse(`one of ${(definition.values ?? []).map((value) => `'${value}'`).join(', ')}`);
      }
      return given;
    case 'arcs':
      if (typeof given !== 'string' || !given.split('+').every(isArcName)) {
        throw refuse("arcs such as 'stop->stop-copy', joined by '+'");
      }
      return given;
    default:
      return parseNumber(definition, given, refuse);
  }
}

function parseNumber(
  definition: PropertyDefinition,
  given: PropertyValue,
  refuse: (expected: string) => PropertyError,
): number {
  const kind =
    definition.type === 'size'
      ? 'a size in bytes (suffixes K, M, G, T)'
      : definition.type === 'milliseconds'
        ? 'a time in milliseconds'
        : 'a number';
  const value = typeof given === 'string' ? numberOf(given, definition.type) : given;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw refuse(kind);
  if (definition.type !== 'milliseconds' && !Number.isSafeInteger(value))
    throw refuse(`whole bytes or counts below 2^53`);
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER, multiple = 1 } = definition;
  if (value < minimum || value > maximum) throw refuse(`${kind} from ${minimum} to ${maximum}`);
  if (value % multiple !== 0 && multiple !== 1) throw refuse(`a multiple of ${multiple}`);
  return value;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  B: 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

function numberOf(text: string, type: PropertyType): number | undefined {
  if (/^0x[0-9a-f]+$/i.test(text)) return Number(text);
  const match = /^(\d+(?:\.\d+)?)([BKMGT]?)$/i.exec(text);
  if (match === null) return undefined;
  const suffix = match[2]!.toUpperCase();
  if (suffix !== '' && type !== 'size') return undefined;
  return Number(match[1]) * SUFFIXES[suffix]!;
}

function isArcName(text: string): boolean {
  return ARCS.some((arc) => arcName(arc.from, arc.to) === text);
}
