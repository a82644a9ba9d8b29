import { splitKeyValues } from './key-values.js';
import { parseKeyval } from './keyval.js';
import { OptionError } from './option-error.js';
import { checkIdentifier, parseBoolean, parseNumber, parseSize } from './values.js';

/** What a parameter may be (schema: CommandLineParameterType). */
export type ParameterType = 'string' | 'boolean' | 'number' | 'size';

export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  /** For people. */
  readonly help?: string;
  readonly default?: string;
  /** The unit of a size without a suffix; bytes if absent. */
  readonly unit?: 'm';
}

/** What options that are written as `key=value,…` have in common with others that set the same things. */
export interface OptionGroup {
  /** As query-command-line-options names it. */
  readonly name: string;
  /** The key of a first part without `=`. */
  readonly impliedKey?: string;
  readonly parameters: readonly Parameter[];
  /** Parameters that are not listed are taken as text, and whoever uses them decides; so are all of a group without any. */
  readonly others?: 'taken';
  /** All parameters are text, and their names are checked, as in {@link parseKeyval}. */
  readonly keyval?: true;
  /** `merge`: of options given several times, later parameters win. `list`: each stands for itself. */
  readonly repeated: 'merge' | 'list';
  /** Whether each needs an `id=` that no other of the group has, may have one, or has none. */
  readonly id: 'required' | 'optional' | 'none';
}

/** The parameters of one option. Numbers and sizes are bigint, as they may exceed 2^53. */
export type OptionValues = Readonly<Record<string, string | boolean | bigint>>;

/**
 * Parses the argument of an option of `group`.
 * @throws OptionError
 */
export function parseOptionGroup(
  group: OptionGroup,
  text: string,
): Record<string, string | boolean | bigint> {
  if (group.keyval === true) return { ...parseKeyval(text, group.impliedKey ?? 'id').values };
  const values: Record<string, string | boolean | bigint> = Object.create(null);
  for (const { key, value } of splitKeyValues(text, group.impliedKey)) {
    if (key === 'id' && group.id !== 'none') {
      values.id = checkIdentifier(value ?? '');
    } else if (takesAnything(group, key)) {
      values[key] = value ?? 'on';
    } else {
      const [parameter, given] = findParameter(group, key, value);
      values[parameter.name] = parseParameter(parameter, given);
    }
  }
  if (group.id === 'required' && values.id === undefined) {
    throw new OptionError(`${group.name}: no id specified`);
  }
  return values;
}

function takesAnything({ parameters, others }: OptionGroup, key: string): boolean {
  if (parameters.length === 0) return true;
  return others === 'taken' && !parameters.some(({ name }) => name === key);
}

/** A key without a value means `on`; with `no` before it, `off`. */
function findParameter(group: OptionGroup, key: string, value: string | undefined): [Parameter, string] {
  const named = (name: string) => group.parameters.find((parameter) => parameter.name === name);
  const parameter = named(key);
  if (parameter !== undefined) return [parameter, value ?? 'on'];
  const negated = value === undefined && key.startsWith('no') ? named(key.slice(2)) : undefined;
  if (negated !== undefined) return [negated, 'off'];
  throw new OptionError(`Invalid parameter '${key}'`);
}

function parseParameter({ name, type, unit }: Parameter, text: string): string | boolean | bigint {
  switch (type) {
    case 'string':
      return text;
    case 'boolean':
      return parseBoolean(name, text);
    case 'number':
      return parseNumber(name, text);
    case 'size':
      return parseSize(name, text, unit);
  }
}
