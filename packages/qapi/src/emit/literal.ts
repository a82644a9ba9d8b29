import { lineWidth } from './source-file.js';

/** Data that can be written as a TypeScript literal. */
export type Data =
  | string
  | number
  | boolean
  | null
  | readonly Data[]
  | { readonly [name: string]: Data | undefined };

/**
 * Writes data as a literal, on one line where it fits, with one element or member a line where it does not.
 * `before` and `after` count the columns that surround the first and last line.
 */
export function printLiteral(data: Data, indent = '', before = indent.length, after = 1): string {
  const flat = printFlat(data);
  if (flat !== undefined && before + flat.length + after <= lineWidth) return flat;
  if (typeof data !== 'object' || data === null) return flat ?? '';
  const inner = `${indent}  `;
  if (isList(data)) {
    const lines = data.map((item) => `${inner}${printLiteral(item, inner)},`);
    return `[\n${lines.join('\n')}\n${indent}]`;
  }
  const lines = entriesOf(data).map(([name, value]) => {
    const key = `${propertyName(name)}: `;
    return `${inner}${key}${printLiteral(value, inner, inner.length + key.length)},`;
  });
  return `{\n${lines.join('\n')}\n${indent}}`;
}

/** A property's name as it is written in a literal or an interface. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

export function quote(text: string): string {
  const escaped = JSON.stringify(text);
  if (text.includes("'") && !text.includes('"')) return escaped;
  return `'${escaped.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

/** `undefined` for what is never written on one line: a list of several objects with several members each. */
function printFlat(data: Data): string | undefined {
  if (typeof data === 'string') return quote(data);
  if (typeof data !== 'object' || data === null) return `${data}`;
  if (isList(data)) {
    if (data.length > 1 && data.every(isWide)) return undefined;
    const items = data.map(printFlat);
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  const entries = entriesOf(data);
  if (entries.length === 0) return '{}';
  const items = entries.map(([name, value]) => {
    const flat = printFlat(value);
    return flat === undefined ? undefined : `${propertyName(name)}: ${flat}`;
  });
  return items.includes(undefined) ? undefined : `{ ${items.join(', ')} }`;
}

function isList(data: Data): data is readonly Data[] {
  return Array.isArray(data);
}

function isWide(data: Data): boolean {
  if (typeof data !== 'object' || data === null) return false;
  return (isList(data) ? data.length : entriesOf(data).length) > 1;
}

function entriesOf(data: { readonly [name: string]: Data | undefined }): [string, Data][] {
  return Object.entries(data).filter((entry): entry is [string, Data] => entry[1] !== undefined);
}
