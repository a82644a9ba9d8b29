import { splitKeyValues } from './key-values.js';
import { OptionError } from './option-error.js';

/** What `a=1,b.c=2` says, as QEMU's newer options (-object) have it. */
export interface Keyval {
  readonly values: Readonly<Record<string, string>>;
  /** `help` or `?` was among it. */
  readonly help: boolean;
}

/** Names of QAPI, with a prefix `__RFQDN_` or without, and numbers between the dots that follow. */
const KEY = /^(?:__[A-Za-z0-9.-]*_)?[A-Za-z][\w-]*(?:\.(?:\d+|(?:__[A-Za-z0-9.-]*_)?[A-Za-z][\w-]*))*$/;

/**
 * Reads `key=value,…`, where every key but the first has a value.
 * @param impliedKey the key of a first part without `=`, which has no comma in it
 * @throws OptionError
 */
export function parseKeyval(text: string, impliedKey: string): Keyval {
  const [first = ''] = /^[^=,]*/.exec(text)!;
  const implied = first !== '' && text[first.length] !== '=';
  const values: Record<string, string> = Object.create(null);
  let help = false;
  if (implied && isHelp(first)) help = true;
  else if (implied) values[impliedKey] = first;
  for (const { key, value } of splitKeyValues(implied ? text.slice(first.length + 1) : text)) {
    if (value === undefined && isHelp(key)) {
      help = true;
      continue;
    }
    if (!KEY.test(key)) throw new OptionError(`Invalid parameter '${key}'`);
    if (value === undefined) throw new OptionError(`Expected '=' after parameter '${key}'`);
    values[key] = value;
  }
  return { values, help };
}

function isHelp(text: string): boolean {
  return text === 'help' || text === '?';
}
