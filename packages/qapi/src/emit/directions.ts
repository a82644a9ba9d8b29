import type { Schema, Type } from '../schema/model.js';
import type { Presence } from './presence.js';

/** The types that a client receives, in what commands return and what events carry. */
export function outputTypes(schema: Schema, presence: Presence): ReadonlySet<Type> {
  const seen = new Set<Type>();
  const visit = (type: Type | undefined): void => {
    if (type === undefined || seen.has(type)) return;
    seen.add(type);
    switch (type.kind) {
      case 'array':
        visit(type.element);
        break;
      case 'object':
        visit(type.base);
        for (const member of type.members) visit(member.type);
        for (const branch of type.branches) visit(branch.type);
        break;
      case 'alternate':
        for (const alternative of type.alternatives) visit(alternative.type);
        break;
    }
  };
  for (const entity of schema.entities) {
    if (!presence.possible(entity)) continue;
    if (entity.kind === 'command') visit(entity.returns);
    if (entity.kind === 'event') visit(entity.argument);
  }
  return seen;
}
