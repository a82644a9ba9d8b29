import type { Schema, Type } from '../schema/model.js';
import type { Presence } from './presence.js';

/** The types that a client receives, in what commands return and what events carry. */
export function outputTypes(schema: Schema, presence: Presence): ReadonlySet<Type> {
  const types = new Set<Type>();
  for (const entity of schema.entities) {
    if (!presence.possible(entity)) continue;
    if (entity.kind === 'command' && entity.returns !== undefined) types.add(entity.returns);
    if (entity.kind === 'event' && entity.argument !== undefined) types.add(entity.argument);
  }
  // A Set visits what is added during the visit.
  for (const type of types) for (const part of partsOf(type)) types.add(part);
  return types;
}

function partsOf(type: Type): readonly Type[] {
  switch (type.kind) {
    case 'array':
      return [type.element];
    case 'object':
      return [
        ...(type.base === undefined ? [] : [type.base]),
        ...type.members.map((member) => member.type),
        ...type.branches.map((branch) => branch.type),
      ];
    case 'alternate':
      return type.alternatives.map((alternative) => alternative.type);
    default:
      return [];
  }
}
