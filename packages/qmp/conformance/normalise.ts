import { JsonDouble, type JsonObject, type JsonValue, stringify } from '@godwit/json';

/** Members whose values always differ from run to run, by their name. */
const variable: ReadonlySet<string> = new Set(['timestamp', 'fd', 'thread-id', 'pid']);

export interface NormaliseOptions {
  /** The order of lists is not defined. */
  readonly unorderedLists?: boolean | undefined;
  /** Members whose values differ beside those that always do. */
  readonly varies?: readonly string[] | undefined;
}

/** A message with its members in order, lists too where theirs is not defined, and without what must differ. */
export function normalise(message: JsonObject, options: NormaliseOptions = {}): string {
  const greeting = message.QMP;
  if (greeting !== undefined) {
    const { capabilities } = greeting as JsonObject;
    return `greeting ${stringify(capabilities ?? null)}`;
  }
  return stringify(ordered(message, options));
}

function ordered(value: JsonValue, options: NormaliseOptions): JsonValue {
  if (typeof value !== 'object' || value === null || value instanceof JsonDouble) return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => ordered(item, options));
    return options.unorderedLists ? items.sort((a, b) => (stringify(a) < stringify(b) ? -1 : 1)) : items;
  }
  const result: JsonObject = Object.create(null);
  for (const name of Object.keys(value).sort()) {
    const differs = variable.has(name) || options.varies?.includes(name);
    result[name] = differs ? '…' : ordered(value[name]!, options);
  }
  return result;
}

/** What is wrong with the form of a monitor's output, whatever it says. */
export function formFaults(text: string, pretty: boolean): string[] {
  const faults: string[] = [];
  if (/[^\x20-\x7e\r\n]/.test(text)) faults.push('output is not printable ASCII');
  if (/[^\r]\n|\r(?!\n)/.test(text)) faults.push('a line does not end in CR LF');
  if (text !== '' && !text.endsWith('\r\n')) faults.push('the output does not end in CR LF');
  if (!pretty && text.split('\r\n').some((line) => line !== '' && !/^\{.*\}$/.test(line))) {
    faults.push('a message takes more than one line');
  }
  return faults;
}
