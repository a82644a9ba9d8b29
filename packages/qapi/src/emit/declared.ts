import type { Schema, Type } from '../schema/model.js';
import { isImplicit } from './identifiers.js';

/**
 * The enums, objects and alternates that generated code declares: all that the schema defines, and of what it only
 * implies or has built in, what is referred to. The implied base of a union is written as part of the union.
 */
export function declaredTypes(schema: Schema): ReadonlySet<Type> {
  const referred = new Set<Type>();
  const refer = (type: Type | undefined): void => {
    if (type?.kind === 'array') refer(type.element);
    else if (type !== undefined) referred.add(type);
  };
  for (const entity of schema.entities) {
    switch (entity.kind) {
      case 'object':
        for (const member of entity.members) refer(member.type);
        for (const branch of entity.branches) if (!branch.implicit) refer(branch.type);
        break;
      case 'alternate':
        for (const alternative of entity.alternatives) refer(alternative.type);
        break;
      case 'command':
        refer(entity.returns);
        refer(entity.argument);
        break;
      case 'event':
        refer(entity.argument);
        break;
    }
  }
  const declared = new Set<Type>();
  for (const entity of schema.entities) {
    if (entity.kind !== 'enum' && entity.kind !== 'object' && entity.kind !== 'alternate') continue;
    if (referred.has(entity) || (entity.span !== undefined && !isImplicit(entity))) declared.add(entity);
  }
  return declared;
}
