import type { StringNode } from '../language/ast.js';
import type { DefinitionContext } from '../rules/definition/context.js';
import type { Definition, MemberDefinition, TypeReference } from './definition.js';
import type {
  AlternateType,
  ArrayType,
  Branch,
  BuiltinType,
  Command,
  EnumType,
  Event,
  Member,
  ObjectType,
} from './model.js';

/** The same object, while it is being built. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** A member, and the reference that tells its type as soon as all names are known. */
export interface MemberDraft<M> {
  readonly member: Draft<M>;
  readonly written: MemberDefinition;
}

interface RecordBase {
  /** Where errors are reported; absent for built-ins. */
  readonly context: DefinitionContext | undefined;
  /** The definition that led to this entity; absent for built-ins. */
  readonly definition: Definition | undefined;
}

export interface BuiltinRecord extends RecordBase {
  readonly kind: 'builtin';
  readonly entity: BuiltinType;
}

export interface EnumRecord extends RecordBase {
  readonly kind: 'enum';
  readonly entity: EnumType;
}

export interface ArrayRecord extends RecordBase {
  readonly kind: 'array';
  readonly entity: Draft<ArrayType>;
  readonly element: TypeReference;
}

export interface ObjectRecord extends RecordBase {
  readonly kind: 'object';
  readonly entity: Draft<ObjectType>;
  readonly base: TypeReference | ObjectRecord | undefined;
  readonly members: readonly MemberDraft<Member>[];
  readonly discriminator: StringNode | undefined;
  readonly branches: readonly MemberDraft<Branch>[];
  state: 'unchecked' | 'checking' | 'checked';
  /** How many types it inherits from, one through the other. */
  depth: number;
}

export interface AlternateRecord extends RecordBase {
  readonly kind: 'alternate';
  readonly entity: AlternateType;
  readonly alternatives: readonly MemberDraft<Member>[];
}

export interface CommandRecord extends RecordBase {
  readonly kind: 'command';
  readonly entity: Draft<Command>;
  readonly argument: TypeReference | ObjectRecord | undefined;
  readonly returns: TypeReference | undefined;
}

export interface EventRecord extends RecordBase {
  readonly kind: 'event';
  readonly entity: Draft<Event>;
  readonly argument: TypeReference | ObjectRecord | undefined;
}

export type TypeRecord = BuiltinRecord | EnumRecord | ArrayRecord | ObjectRecord | AlternateRecord;

/** An entity with what is needed to check and complete it. */
export type EntityRecord = TypeRecord | CommandRecord | EventRecord;
