import type { SchemaInfo } from '../runtime/schema-info.js';
import { flatMembers } from '../schema/flat-members.js';
import type { Schema, Type } from '../schema/model.js';

/** A reply to query-qmp-schema, by name. */
export type Reply = ReadonlyMap<string, SchemaInfo>;

/** Commands and events cannot have the name of a type, since types are numbers, built-ins or lists. */
export function replyByName(infos: readonly SchemaInfo[]): Reply {
  return new Map(infos.map((info) => [info.name, info]));
}

/**
 * Finds for the types of a reply those of a schema that have the same or a similar content, by following both from
 * commands and events of the same name through members, branches and elements of the same name. Every type of the
 * schema is taken once; the first use decides.
 */
export function correspondence(reply: Reply, schema: Schema): ReadonlyMap<string, Type> {
  const found = new Map<string, Type>();
  const taken = new Set<Type>();
  const pending: [SchemaInfo, Type][] = [];

  const meet = (name: string, type: Type | undefined): void => {
    const info = reply.get(name);
    if (info === undefined || type === undefined || found.has(name) || taken.has(type)) return;
    if (info['meta-type'] !== type.kind) return;
    found.set(name, type);
    taken.add(type);
    pending.push([info, type]);
  };
  const empty = schema.lookupType('q_empty');

  for (const info of reply.values()) {
    if (info['meta-type'] === 'command') {
      const command = schema.lookupCommand(info.name);
      if (command === undefined) continue;
      meet(info['arg-type'], command.argument ?? empty);
      meet(info['ret-type'], command.returns ?? empty);
    } else if (info['meta-type'] === 'event') {
      const event = schema.lookupEvent(info.name);
      if (event !== undefined) meet(info['arg-type'], event.argument ?? empty);
    }
  }
  // A breadth-first walk, so that a type is named by its use nearest to a command. The list grows while it is walked.
  for (const [info, type] of pending) {
    if (info['meta-type'] === 'array' && type.kind === 'array') {
      meet(info['element-type'], type.element);
    } else if (info['meta-type'] === 'object' && type.kind === 'object') {
      const members = new Map(flatMembers(type).map((member) => [member.name, member.type]));
      for (const member of info.members) meet(member.type, members.get(member.name));
      const branches = new Map(type.branches.map((branch) => [branch.value, branch.type]));
      for (const variant of info.variants ?? []) meet(variant.type, branches.get(variant.case));
    } else if (info['meta-type'] === 'alternate' && type.kind === 'alternate') {
      for (const { type: alternative } of info.members) {
        const kind = reply.get(alternative)?.['meta-type'];
        meet(alternative, type.alternatives.find((one) => one.type.kind === kind)?.type);
      }
    }
  }
  return found;
}
