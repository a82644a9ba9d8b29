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

/** The integer types of QAPI; int is int64, size uint64. */
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

/** The built-in types; every other name is found in {@link ProtocolDescriptor.types}. */
export type BuiltinName = IntegerName | 'str' | 'number' | 'bool' | 'null' | 'any';

/** A reference to a type: a built-in's name, the name of a type in `types`, or a list of one. */
export type TypeRef = string | readonly [TypeRef];

export type TypeDescriptor = EnumDescriptor | ObjectDescriptor | AlternateDescriptor;

export interface EnumDescriptor {
  readonly kind: 'enum';
  readonly values: readonly string[];
  /** Features by value, for those that have any. */
  readonly features?: Readonly<Record<string, readonly string[]>>;
}

/** A struct or a union. */
export interface ObjectDescriptor {
  readonly kind: 'object';
  /** All members, those of the base first. */
  readonly members: readonly MemberDescriptor[];
  /** The member whose value chooses the branch of a union. */
  readonly tag?: string;
  /** Branch type by tag value; a value that is absent has an empty branch. */
  readonly branches?: Readonly<Record<string, string>>;
}

/** One of several types, told apart by what the JSON value is. */
export interface AlternateDescriptor {
  readonly kind: 'alternate';
  readonly alternatives: readonly TypeRef[];
}

export interface MemberDescriptor {
  readonly name: string;
  readonly type: TypeRef;
  readonly optional?: true;
  readonly features?: readonly string[];
}

export interface CommandDescriptor {
  /** Name of the argument's type; absent for a command without arguments. */
  readonly args?: string;
  /** Absent for a command that returns `{}`. */
  readonly returns?: TypeRef;
  readonly allowOob?: true;
  readonly allowPreconfig?: true;
  /** The command sends no reply when it succeeds. */
  readonly noSuccessResponse?: true;
  /** The command takes its arguments as they came, with members that the schema does not know (`gen: false`). */
  readonly raw?: true;
  readonly features?: readonly string[];
}

export interface EventDescriptor {
  /** Name of the type of its data; absent for an event without. */
  readonly data?: string;
  readonly features?: readonly string[];
}

/** A command by a name that came from outside. */
export function findCommand(protocol: ProtocolDescriptor, name: string): CommandDescriptor | undefined {
  return Object.hasOwn(protocol.commands, name) ? protocol.commands[name] : undefined;
}

/** An event by a name that came from outside. */
export function findEvent(protocol: ProtocolDescriptor, name: string): EventDescriptor | undefined {
  return Object.hasOwn(protocol.events, name) ? protocol.events[name] : undefined;
}

/** @throws TypeError when the descriptor refers to a type that it does not hold. */
export function findType(protocol: ProtocolDescriptor, name: string): TypeDescriptor {
  const type = Object.hasOwn(protocol.types, name) ? protocol.types[name] : undefined;
  if (type === undefined) throw new TypeError(`the protocol has no type '${name}'`);
  return type;
}

/** The members of the branch that a tag value chooses; none for an empty branch or an unknown value. */
export function branchMembers(
  protocol: ProtocolDescriptor,
  type: ObjectDescriptor,
  tagValue: unknown,
): readonly MemberDescriptor[] {
  const { branches } = type;
  if (branches === undefined || typeof tagValue !== 'string' || !Object.hasOwn(branches, tagValue)) return [];
  const branch = findType(protocol, branches[tagValue]!);
  return branch.kind === 'object' ? branch.members : [];
}
