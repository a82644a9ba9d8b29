import type { Span } from '../language/span.js';
import type { Entity, Feature, ObjectType } from './model.js';

/** Members, values or branches that the documentation of their entity describes. */
export interface DocumentableParts {
  readonly role: 'member' | 'value' | 'branch';
  readonly parts: readonly DocumentablePart[];
}

export interface DocumentablePart {
  readonly name: string;
  readonly span: Span | undefined;
  readonly features: readonly Feature[];
}

/**
 * What the documentation of an entity describes: what is written in its definition, but not what it inherits
 * or takes from a type of its own.
 */
export function documentableParts(entity: Entity): DocumentableParts {
  switch (entity.kind) {
    case 'enum':
      return { role: 'value', parts: entity.values };
    case 'object':
      // A union has no members but those of its base.
      return {
        role: 'member',
        parts: entity.origin === 'union' ? implicitMembers(entity.base) : entity.members,
      };
    case 'alternate':
      return { role: 'branch', parts: entity.alternatives };
    case 'command':
    case 'event':
      return {
        role: 'member',
        parts: entity.argument?.kind === 'object' ? implicitMembers(entity.argument) : [],
      };
    default:
      return { role: 'member', parts: [] };
  }
}

function implicitMembers(type: ObjectType | undefined): readonly DocumentablePart[] {
  return type?.origin === 'implicit' ? type.members : [];
}
