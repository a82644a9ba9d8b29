import type { JsonObject, JsonValue } from '@godwit/json';

/** What a generated `Commands` interface says of a command. */
export interface ClientCommandShape {
  args: unknown;
  returns: unknown;
  oob?: true;
}

/** Constrains a type parameter to a generated `Commands` interface. */
export type ClientCommandMap<Commands> = { [Name in keyof Commands]: ClientCommandShape };

/** Without generated tables every command takes and returns JSON. */
export interface UntypedCommands {
  [command: string]: { args: JsonObject | undefined; returns: JsonValue; oob?: true };
}

export interface UntypedEvents {
  [event: string]: JsonObject | undefined;
}

/**
 * Turns typed arguments into JSON, and JSON into typed values. Made from generated descriptors, it types the client by its
 * parameters.
 */
export interface QmpCodec<Commands, Events> {
  /** Undefined when there is nothing to send. @throws TypeError for arguments that the schema does not have */
  encodeArguments(command: string, args: unknown): JsonObject | undefined;
  decodeReturn(command: string, value: JsonValue): unknown;
  decodeEvent(event: string, data: JsonValue | undefined): unknown;
  /** Never there: it carries the types. */
  readonly types?: { readonly commands: Commands; readonly events: Events };
}

/** The arguments may be left out when all of them may. */
export type ExecuteParameters<Args> = undefined extends Args
  ? [args?: Args, options?: ExecuteOptions]
  : Partial<Args> extends Args
    ? [args?: Args, options?: ExecuteOptions]
    : [args: Args, options?: ExecuteOptions];

export type OobName<Commands extends ClientCommandMap<Commands>> = {
  [Name in keyof Commands]: Commands[Name] extends { oob: true } ? Name : string extends Name ? Name : never;
}[keyof Commands];

/** A descriptor for a command: a copy of it is sent, or, handed over, itself, to be closed whatever becomes of it. */
export type DescriptorToSend = number | { readonly fd: number; readonly handOver: true };

export interface ExecuteOptions {
  /** Rejects with QmpTimeoutError after so many milliseconds. */
  readonly timeoutMs?: number;
  /** Rejects with the signal's reason. The command may still run. */
  readonly signal?: AbortSignal;
  /** Go with the command. A server uses the first. */
  readonly fds?: readonly DescriptorToSend[];
  /** The request's id; made by the client unless given. No two commands on their way may have the same. */
  readonly id?: JsonValue;
}

/** When an event happened, by the server's clock. */
export interface EventTimestamp {
  readonly seconds: number;
  readonly microseconds: number;
}

export interface QmpEvent<Name extends string = string, Data = unknown> {
  readonly type: 'event';
  readonly name: Name;
  readonly data: Data;
  readonly timestamp: EventTimestamp;
  /** Why the data could not be decoded by the schema; `data` is then as it came. */
  readonly mismatch?: Error;
}

/** The connection was lost and is there again: events in between were missed. */
export interface QmpGap {
  readonly type: 'gap';
  readonly reason: Error | undefined;
  /** By the client's clock, in microseconds since 1970. */
  readonly lostAt: number;
  readonly regainedAt: number;
  /** What the server says of itself now: the return values by command; a command that failed is left out. */
  readonly snapshot: Readonly<Record<string, unknown>>;
}

/** The reader of a stream of events was too slow, and so many were dropped before the next one. */
export interface QmpDropped {
  readonly type: 'dropped';
  readonly count: number;
}

export type EventOf<Events> = {
  [Name in keyof Events & string]: QmpEvent<Name, Events[Name]>;
}[keyof Events & string];
