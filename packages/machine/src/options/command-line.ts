import { JsonDouble, type JsonObject, type JsonValue, parse as parseJson } from '@godwit/json';
import { FLAGS, type FlagDefinition, type FlagName } from './flags.js';
import { OPTION_GROUPS, type OptionGroupName } from './groups.js';
import { OptionError } from './option-error.js';
import { type OptionGroup, type OptionValues, parseOptionGroup } from './option-group.js';

/** One option as it was given. */
export interface GivenOption {
  /** As the user wrote it, for errors: `-name a`. */
  readonly source: string;
  readonly values: OptionValues;
  /** The JSON object that was given instead of `key=value,…`. */
  readonly json?: JsonObject;
}

/** An option that takes one text. */
export interface GivenText {
  readonly flag: FlagName;
  readonly text: string;
}

/** The command line, with each value of its own type but not yet understood as a whole. */
export interface CommandLine {
  readonly switches: ReadonlySet<FlagName>;
  /** The texts given for each option, in order. */
  readonly texts: ReadonlyMap<FlagName, readonly string[]>;
  /** The same for all options together. */
  readonly allTexts: readonly GivenText[];
  /** The options of each group, in order; those of a merged group are one. */
  readonly groups: ReadonlyMap<OptionGroupName, readonly GivenOption[]>;
}

/**
 * Parses the arguments of `godwit machine`.
 * @throws OptionError one line that begins with the option
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const switches = new Set<FlagName>();
  const texts = new Map<FlagName, string[]>();
  const allTexts: GivenText[] = [];
  const groups = new Map<OptionGroupName, GivenOption[]>();
  for (let index = 0; index < args.length; index++) {
    const flag = args[index]!;
    const name = flag.startsWith('-') ? flag.replace(/^--?/, '') : undefined;
    if (name === undefined) throw new OptionError(`${flag}: not an option (disk images are not supported)`);
    if (!Object.hasOwn(FLAGS, name)) throw new OptionError(`${flag}: invalid option`);
    const definition: FlagDefinition = FLAGS[name as FlagName];
    if (definition.kind === 'switch') {
      switches.add(name as FlagName);
      continue;
    }
    const text = args[++index];
    if (text === undefined) throw new OptionError(`${flag}: requires an argument`);
    if (definition.kind === 'text') {
      allTexts.push({ flag: name as FlagName, text });
      const given = texts.get(name as FlagName);
      if (given === undefined) texts.set(name as FlagName, [text]);
      else given.push(text);
      if (name === 'set') inOption(`${flag} ${text}`, () => setParameter(groups, text));
      continue;
    }
    const source = `${flag} ${text}`;
    const given = inOption(source, () =>
      definition.json && text.startsWith('{')
        ? { source, values: {}, json: parseObject(text) }
        : { source, values: parseOptionGroup(OPTION_GROUPS[definition.group], text) },
    );
    addOption(groups, definition.group, given);
  }
  return { switches, texts, allTexts, groups };
}

/** Runs `step` and says in its error which option it was about. */
export function inOption<T>(source: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw aboutOption(source, error);
  }
}

/** As {@link inOption}, for a step that takes its time. */
export async function inOptionAsync<T>(source: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw aboutOption(source, error);
  }
}

function aboutOption(source: string, cause: unknown): OptionError {
  const hint = cause instanceof OptionError ? cause.hint : undefined;
  return new OptionError(`${source}: ${(cause as Error).message}`, { cause, hint });
}

function addOption(
  groups: Map<OptionGroupName, GivenOption[]>,
  name: OptionGroupName,
  given: GivenOption,
): void {
  const group: OptionGroup = OPTION_GROUPS[name];
  const others = groups.get(name) ?? [];
  groups.set(name, others);
  if (group.repeated === 'merge' && others.length > 0) {
    others[0] = { source: given.source, values: { ...others[0]!.values, ...given.values } };
    return;
  }
  const id = given.json?.id ?? given.values.id;
  if (id !== undefined && others.some((other) => (other.json?.id ?? other.values.id) === id)) {
    throw new OptionError(`${given.source}: Duplicate ID '${id}' for ${group.name}`);
  }
  others.push(given);
}

/** -set GROUP.ID.PROPERTY=VALUE changes an option that was given before. @throws OptionError */
function setParameter(groups: Map<OptionGroupName, GivenOption[]>, text: string): void {
  const [, name = '', id = '', assignment = ''] = /^([^.]+)\.([^.]+)\.([^=]+=.*)$/s.exec(text) ?? [];
  if (assignment === '') throw new OptionError(`can't parse: "${text}"`);
  const group = Object.values<OptionGroup>(OPTION_GROUPS).find((candidate) => candidate.name === name);
  if (group === undefined) throw new OptionError(`There is no option group '${name}'`);
  const given = groups.get(group.name as OptionGroupName) ?? [];
  const index = given.findIndex(({ values }) => values.id === id);
  const option = given[index];
  if (option === undefined) throw new OptionError(`there is no ${name} "${id}" defined`);
  const [key = '', value = ''] = assignment.split(/=(.*)/s);
  const changed = parseOptionGroup(group, `${key}=${value.replaceAll(',', ',,')}`);
  given[index] = { ...option, values: { ...option.values, ...changed } };
}

function parseObject(text: string): JsonObject {
  const value: JsonValue = parseJson(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof JsonDouble) {
    throw new OptionError('expected a JSON object');
  }
  return value;
}

/** What was given of the options of a group, in order. */
export function given(line: CommandLine, group: OptionGroupName): readonly GivenOption[] {
  return line.groups.get(group) ?? [];
}
