/**
 * What generated code is: a schema as data. Generated files hold one {@link ProtocolDescriptor} and the
 * TypeScript types that go with it; all behaviour is in this folder, and none of it needs the parser.
 *
 * How a value is represented in TypeScript: str and enums `string`; int, int64, uint64 and size `bigint`;
 * int8 to int32 and uint8 to uint32 `number`; number `number`; bool `boolean`; null `null`; any `JsonValue`;
 * arrays as arrays; objects as plain objects with the member names of the schema, optional members left out.
 */
export interface ProtocolDescriptor {
  readonly types: Readonly<Record<string, TypeDescriptor>>;
  readonly commands: Readonly<Record<string, CommandDescriptor>>;
  readonly events: Readonly<Record<string, EventDescriptor>>;
}

export type IntegerName =
  | 'int'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'size';

/** A reference to a type: a built-in's name, the name of a type in `types`, or a list of one. */
export type TypeRef = string | readonly [TypeRef];

export type TypeDescriptor =
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | {
      readonly kind: 'object';
      /** All members, those of the base first. */
      readonly members: readonly MemberDescriptor[];
      readonly tag?: string;
      /** Branch type by tag value; a value that is absent has an empty branch. */
      readonly branches?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'alternate'; readonly alternatives: readonly TypeRef[] };

export interface MemberDescriptor {
  readonly name: string;
  readonly type: TypeRef;
  readonly optional?: true;
}

export interface CommandDescriptor {
  /** Name of the argument's type; absent for a command without arguments. */
  readonly args?: string;
  readonly returns?: TypeRef;
  readonly allowOob?: true;
  readonly allowPreconfig?: true;
  /** The command sends no reply when it succeeds. */
  readonly noSuccessResponse?: true;
  readonly features?: readonly string[];
}

export interface EventDescriptor {
  readonly data?: string;
  readonly features?: readonly string[];
}
