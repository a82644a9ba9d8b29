import { isDouble, type JsonDouble, type JsonValue } from '../../src/runtime/index.js';

/** A number whose text matters, as the JSON reader of a server would make it. */
export class Double implements JsonDouble {
  readonly value: number;
  readonly text: string;

  constructor(text: string) {
    this.value = Number(text);
    this.text = text;
  }
}

/** Writes a value as JSON, numbers in the form that they were given. */
export function toText(value: JsonValue): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(toText).join(', ')}]`;
  if (isDouble(value)) return value.text ?? `${value.value}`;
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}: ${toText(member)}`);
  return `{${members.join(', ')}}`;
}
