import type { AlternateRecord, TypeRecord } from '../../schema/draft.js';
import type { EnumType, JsonKind, Type } from '../../schema/model.js';
import { describePart, describeType } from './describe.js';

/** The kind of JSON value by which a decoder recognises a type; undefined when it can be anything. */
function jsonKind(type: Type): JsonKind | undefined {
  switch (type.kind) {
    case 'enum':
      return 'string';
    case 'object':
      return 'object';
    case 'array':
      return 'array';
    case 'alternate':
      return undefined;
    case 'builtin':
      // Integers and other numbers look the same.
      if (type.json === 'int') return 'number';
      return type.json === 'value' ? undefined : type.json;
  }
}

/** Kinds that a string stands for in contexts where everything is a string, such as a command line. */
function kindsInStrings(type: Type): readonly JsonKind[] {
  if (type.kind === 'builtin') return ['number', 'boolean'];
  return type.kind === 'enum' ? kindsOfValues(type) : [];
}

function kindsOfValues(type: EnumType): JsonKind[] {
  const kinds = new Set<JsonKind>();
  for (const { name } of type.values) {
    if (name === 'on' || name === 'off') kinds.add('boolean');
    if (/^[-+0-9.]/.test(name)) kinds.add('number');
  }
  return [...kinds];
}

/** The alternatives of an alternate can be told apart by the kind of the JSON value. */
export function checkAlternatives(
  record: AlternateRecord,
  resolved: readonly (readonly [index: number, type: TypeRecord])[],
): void {
  const taken = new Map<JsonKind, string>();
  for (const [index, { entity }] of resolved) {
    const { written } = record.alternatives[index]!;
    const part = describePart({ role: 'branch', name: written.name, owner: record }, record);
    const kind = jsonKind(entity);
    if (kind === undefined) {
      record.context!.report('alternatives', `${part} cannot use ${describeType(entity)}`, written.type);
      continue;
    }
    const kinds = new Set<JsonKind>([kind]);
    if (kind === 'string') for (const other of kindsInStrings(entity)) kinds.add(other);
    for (const one of kinds) {
      const other = taken.get(one);
      if (other !== undefined) {
        record.context!.report('alternatives', `${part} can't be distinguished from '${other}'`, written);
        break;
      }
    }
    for (const one of kinds) if (!taken.has(one)) taken.set(one, written.name);
  }
}
