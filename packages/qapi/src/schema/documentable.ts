import type { Entity, Feature, ObjectType, Span } from './model.js';

/** A member, a value or a branch that the documentation of its entity describes. */
export interface DocumentablePart {
  readonly role: 'member' | 'value' | 'branch';
  readonly name: string;
  readonly span: Span | undefined;
  readonly features: readonly Feature[];
}

/**
 * What the documentation of an entity describes: what is written in its definition, but not what it inherits
 * or takes from a type of its own.
 */
export function documentableParts(entity: Entity): DocumentablePart[] {
  switch (entity.kind) {
    case 'enum':
      return parts('value', entity.values);
    case 'object':
      return [...implicitMembers(entity.base), ...parts('member', entity.members)];
    case 'alternate':
      return parts('branch', entity.alternatives);
    case 'command':
    case 'event':
      return entity.argument?.kind === 'object' ? implicitMembers(entity.argument) : [];
    default:
      return [];
  }
}

function implicitMembers(type: ObjectType | undefined): DocumentablePart[] {
  return type?.origin === 'implicit' ? parts('member', type.members) : [];
}

function parts(
  role: DocumentablePart['role'],
  list: readonly Omit<DocumentablePart, 'role'>[],
): DocumentablePart[] {
  return list.map(({ name, span, features }) => ({ role, name, span, features }));
}
