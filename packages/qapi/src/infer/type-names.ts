import { pascalCase } from '../emit/identifiers.js';
import { NameTable } from '../emit/name-table.js';
import type { Type } from '../schema/model.js';
import type { Reply } from './correspondence.js';

/** A type that is used by one with a longer name is named by its use alone. */
const longestPrefix = 64;

/**
 * Readable names for the masked types of a reply: that of the corresponding type of a known schema, or one made
 * from the first use (`query-status` returns `StatusInfo`, its member `status` is of type `StatusInfoStatus`).
 * Arguments keep the names that QAPI gives to implicit types.
 */
export function typeNames(reply: Reply, known: ReadonlyMap<string, Type>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const table = new NameTable([...known.values()].map((type) => type.name));
  const pending: string[] = [];

  const give = (type: string, wish: string): void => {
    const info = reply.get(type);
    if (info === undefined || names.has(type)) return;
    if (info['meta-type'] === 'array') {
      // A list of lists does not exist.
      if (reply.get(info['element-type'])?.['meta-type'] !== 'array') give(info['element-type'], wish);
      return;
    }
    if (info['meta-type'] === 'builtin') return;
    names.set(type, known.get(type)?.name ?? table.claim(wish));
    pending.push(type);
  };

  const empty = emptyType(reply);
  if (empty !== undefined) names.set(empty, 'q_empty');
  // What a command returns has a name of its own in every schema, and a query tells it best; arguments often have none.
  const commands = [...reply.values()].filter((info) => info['meta-type'] === 'command');
  for (const { name, 'ret-type': type } of commands) {
    const query = /^(?:x-)?query-(.*)$/.exec(name);
    if (query !== null) give(type, `${pascalCase(query[1]!)}Info`);
  }
  for (const { name, 'ret-type': type } of commands) give(type, `${pascalCase(name)}Result`);
  for (const info of reply.values()) {
    if (info['meta-type'] !== 'command' && info['meta-type'] !== 'event') continue;
    const shape = reply.get(info['arg-type']);
    const isStruct = shape?.['meta-type'] === 'object' && shape.tag === undefined;
    give(info['arg-type'], isStruct ? `q_obj_${info.name}-arg` : `${pascalCase(info.name)}Options`);
  }
  for (const type of pending) {
    const info = reply.get(type)!;
    const prefix = names
      .get(type)!
      .replace(/^q_obj_(.*)-arg$/, (_, owner: string) => pascalCase(owner.toLowerCase()));
    const under = (name: string) => (prefix.length < longestPrefix ? prefix : '') + pascalCase(name);
    if (info['meta-type'] === 'object') {
      for (const member of info.members) give(member.type, under(member.name));
      for (const variant of info.variants ?? []) give(variant.type, under(variant.case));
    } else if (info['meta-type'] === 'alternate') {
      for (const { type: alternative } of info.members) give(alternative, `${prefix}Value`);
    }
  }
  return names;
}

/** The type of what takes or returns nothing: an empty object, and of those the one in most use. */
function emptyType(reply: Reply): string | undefined {
  const uses = new Map<string, number>();
  for (const info of reply.values()) {
    if (info['meta-type'] !== 'command' && info['meta-type'] !== 'event') continue;
    for (const name of [info['arg-type'], ...(info['meta-type'] === 'command' ? [info['ret-type']] : [])]) {
      const type = reply.get(name);
      if (type?.['meta-type'] === 'object' && type.members.length === 0 && type.tag === undefined) {
        uses.set(name, (uses.get(name) ?? 0) + 1);
      }
    }
  }
  return [...uses].sort(([, a], [, b]) => b - a)[0]?.[0];
}
