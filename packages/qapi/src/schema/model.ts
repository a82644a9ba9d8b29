import type { Span } from '../language/span.js';
import type { Documentation } from './documentation.js';

/** An `if`: a configuration symbol, or a combination of conditions. */
export type Condition =
  | string
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition };

export interface Feature {
  readonly name: string;
  readonly condition: Condition | undefined;
  readonly span: Span;
}

/** What every named thing in a schema has. */
interface EntityBase {
  readonly name: string;
  /** Absent for built-ins and for what the schema implies (arrays, implicit objects). */
  readonly span: Span | undefined;
  readonly module: Module;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
  readonly doc: Documentation | undefined;
}

/** The JSON kind of a built-in type, as introspection names it. */
export type JsonKind = 'string' | 'number' | 'int' | 'boolean' | 'null' | 'object' | 'array' | 'value';

export interface BuiltinType extends EntityBase {
  readonly kind: 'builtin';
  readonly json: JsonKind;
}

export interface EnumType extends EntityBase {
  readonly kind: 'enum';
  readonly values: readonly EnumValue[];
  readonly prefix: string | undefined;
}

export interface EnumValue {
  readonly name: string;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
  readonly span: Span | undefined;
}

export interface ArrayType extends EntityBase {
  readonly kind: 'array';
  readonly element: Type;
}

/** A struct, a union, or an implicit object (`q_obj_…`, `q_empty`). A union has `tag` and `branches`. */
export interface ObjectType extends EntityBase {
  readonly kind: 'object';
  /** How it was written. */
  readonly origin: 'struct' | 'union' | 'implicit';
  readonly base: ObjectType | undefined;
  /** Its own members, without those of the base. */
  readonly members: readonly Member[];
  readonly tag: Member | undefined;
  /** The explicit branches in order, then the empty ones of the tag values that have none. */
  readonly branches: readonly Branch[];
}

export interface Member {
  readonly name: string;
  readonly type: Type;
  readonly optional: boolean;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
  readonly span: Span | undefined;
}

export interface Branch {
  readonly value: string;
  readonly type: ObjectType;
  readonly condition: Condition | undefined;
  readonly span: Span | undefined;
  /** Not written in the schema: an empty branch of a tag value. */
  readonly implicit: boolean;
}

export interface AlternateType extends EntityBase {
  readonly kind: 'alternate';
  readonly alternatives: readonly Member[];
}

export type Type = BuiltinType | EnumType | ArrayType | ObjectType | AlternateType;

export interface Command extends EntityBase {
  readonly kind: 'command';
  readonly argument: ObjectType | AlternateType | undefined;
  readonly returns: Type | undefined;
  readonly boxed: boolean;
  readonly generate: boolean;
  readonly successResponse: boolean;
  readonly allowOob: boolean;
  readonly allowPreconfig: boolean;
  readonly coroutine: boolean;
}

export interface Event extends EntityBase {
  readonly kind: 'event';
  readonly argument: ObjectType | AlternateType | undefined;
  readonly boxed: boolean;
}

export type Entity = Type | Command | Event;

/** One source file of a schema; the built-ins have a module of their own. */
export interface Module {
  /** The file's path relative to the folder of the root file; `./builtin` for the built-ins. */
  readonly name: string;
  /** Includes and entities in the order in which they were written. */
  readonly contents: readonly (Entity | Include)[];
}

export interface Include {
  readonly kind: 'include';
  readonly module: Module;
}

/** A checked schema. */
export interface Schema {
  readonly modules: readonly Module[];
  /** All entities in order of their definition: built-ins first, arrays and implicit objects where they were first used. */
  readonly entities: readonly Entity[];
  lookupType(name: string): Type | undefined;
  lookupCommand(name: string): Command | undefined;
  lookupEvent(name: string): Event | undefined;
  /** All documentation blocks in order, free-form ones included. */
  readonly documentation: readonly Documentation[];
}
