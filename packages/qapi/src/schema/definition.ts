import type { DocumentationBlock } from '../documentation/section.js';
import type { Located, ObjectNode, StringNode } from '../language/ast.js';
import type { Source } from '../language/source.js';
import type { Condition } from './model.js';

/** A reference to a type by name: `'str'`, or `['str']` for a list of them. */
export interface TypeReference extends Located {
  readonly name: string;
  readonly array: boolean;
}

export interface FeatureDefinition extends Located {
  readonly name: string;
  readonly condition: Condition | undefined;
}

export interface MemberDefinition extends Located {
  /** Without the `*` of an optional member. */
  readonly name: string;
  readonly optional: boolean;
  readonly type: TypeReference;
  readonly condition: Condition | undefined;
  readonly features: readonly FeatureDefinition[];
}

export interface EnumValueDefinition extends Located {
  readonly name: string;
  readonly condition: Condition | undefined;
  readonly features: readonly FeatureDefinition[];
}

/** Members written in place, or the name of a type that has them. */
export type MembersOrType =
  | { readonly kind: 'members'; readonly members: readonly MemberDefinition[] }
  | { readonly kind: 'type'; readonly type: TypeReference };

interface DefinitionBase {
  readonly name: string;
  readonly nameNode: StringNode;
  readonly node: ObjectNode;
  readonly source: Source;
  readonly documentation: DocumentationBlock | undefined;
  readonly condition: Condition | undefined;
  readonly features: readonly FeatureDefinition[];
}

export interface EnumDefinition extends DefinitionBase {
  readonly kind: 'enum';
  readonly values: readonly EnumValueDefinition[];
  readonly prefix: string | undefined;
}

export interface StructDefinition extends DefinitionBase {
  readonly kind: 'struct';
  readonly base: TypeReference | undefined;
  readonly members: readonly MemberDefinition[];
}

export interface UnionDefinition extends DefinitionBase {
  readonly kind: 'union';
  readonly base: MembersOrType;
  readonly discriminator: StringNode;
  readonly branches: readonly MemberDefinition[];
}

export interface AlternateDefinition extends DefinitionBase {
  readonly kind: 'alternate';
  readonly alternatives: readonly MemberDefinition[];
}

export interface CommandDefinition extends DefinitionBase {
  readonly kind: 'command';
  readonly data: MembersOrType | undefined;
  readonly returns: TypeReference | undefined;
  readonly boxed: boolean;
  readonly generate: boolean;
  readonly successResponse: boolean;
  readonly allowOob: boolean;
  readonly allowPreconfig: boolean;
  readonly coroutine: boolean;
}

export interface EventDefinition extends DefinitionBase {
  readonly kind: 'event';
  readonly data: MembersOrType | undefined;
  readonly boxed: boolean;
}

/** A definition that is right in itself; what it refers to is not looked up yet. */
export type Definition =
  | EnumDefinition
  | StructDefinition
  | UnionDefinition
  | AlternateDefinition
  | CommandDefinition
  | EventDefinition;

export type DefinitionKind = Definition['kind'];

export const definitionKinds: readonly DefinitionKind[] = [
  'enum',
  'struct',
  'union',
  'alternate',
  'command',
  'event',
];
