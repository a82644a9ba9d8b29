import type { EntityRecord } from '../../schema/draft.js';
import type { ObjectType, Type } from '../../schema/model.js';

/** A type as messages name it: `built-in type 'int'`, `array type ['int']`. */
export function describeType(type: Type): string {
  switch (type.kind) {
    case 'builtin':
      return `built-in type '${type.name}'`;
    case 'array':
      return `array type ['${type.element.name}']`;
    case 'object':
      return `${objectKind(type)} type '${type.name}'`;
    default:
      return `${type.kind} type '${type.name}'`;
  }
}

function objectKind(type: ObjectType): string {
  return type.origin === 'implicit' ? 'object' : type.origin;
}

export type MemberRole = 'member' | 'value' | 'branch' | 'feature';

/** Something with a name in an entity, for messages about clashes. */
export interface NamedPart {
  readonly role: MemberRole;
  readonly name: string;
  /** The entity in which it was written. */
  readonly owner: EntityRecord;
}

/**
 * A part as messages name it from within the definition `from`: `member 'a'`, `parameter 'a'`,
 * `base member 'a' of type 'B'`.
 */
export function describePart({ role, name, owner }: NamedPart, from: EntityRecord): string {
  const definition = owner.definition;
  let label: string = role;
  if (
    owner.kind === 'object' &&
    owner.entity.origin === 'implicit' &&
    definition !== undefined &&
    role === 'member'
  ) {
    label = definition.kind === 'union' ? 'base member' : 'parameter';
  }
  if (definition === undefined || definition === from.definition) return `${label} '${name}'`;
  const newer = owner.context?.dialect.typeErrors === 'expected';
  const meta = definition.kind === 'command' || definition.kind === 'event' ? definition.kind : 'type';
  return `${label} '${name}' of ${newer ? meta : 'type'} '${definition.name}'`;
}
