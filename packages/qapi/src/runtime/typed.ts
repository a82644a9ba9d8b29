import type { ProtocolDescriptor } from './descriptor.js';

/** What a generated `Commands` interface says of a command. */
export interface CommandShape {
  /** The decoded arguments; `undefined` for a command that takes none. */
  args: unknown;
  /** The decoded return value; `void` for a command that returns nothing. */
  returns: unknown;
  /** The command may be executed out of band (`exec-oob`). */
  oob?: true;
  /** The command sends no reply when it succeeds. */
  noReply?: true;
}

/** Constrains a type parameter to a generated `Commands` interface: `C extends CommandMap<C>`. */
export type CommandMap<Commands> = { [Name in keyof Commands]: CommandShape };

/** A handler for every command; one that is missing or has the wrong shape does not compile. */
export type Handlers<Commands extends CommandMap<Commands>, Context> = {
  readonly [Name in keyof Commands]: Handler<Commands, Name, Context>;
};

export type Handler<Commands extends CommandMap<Commands>, Name extends keyof Commands, Context> = (
  args: Commands[Name]['args'],
  context: Context,
) => Commands[Name]['returns'] | Promise<Commands[Name]['returns']>;

/** The parameter list of a call: nothing for a command without arguments, optional when every member is. */
export type ArgumentsParameter<Args> = [Args] extends [undefined]
  ? []
  : Partial<Args> extends Args
    ? [args?: Args]
    : [args: Args];

/** The names of the commands that may be executed out of band. */
export type OobCommand<Commands extends CommandMap<Commands>> = {
  [Name in keyof Commands]: Commands[Name] extends { oob: true } ? Name : never;
}[keyof Commands];

declare const unrecognized: unique symbol;

/** An enum value that this schema does not know: only a peer can have sent it, so a literal does not compile as one. */
export type Unrecognized = string & { readonly [unrecognized]: true };

/** An enum value that was received: one of the known, or one that only a newer server knows. */
export type Open<Enum extends string> = Enum | Unrecognized;

declare const types: unique symbol;

/** A {@link ProtocolDescriptor} that carries its generated `Commands` and `Events`, so that what takes it is typed by it. */
export interface Protocol<Commands, Events> extends ProtocolDescriptor {
  readonly [types]?: { readonly commands: Commands; readonly events: Events };
}

export type CommandsOf<P> = P extends Protocol<infer Commands, unknown> ? Commands : never;
export type EventsOf<P> = P extends Protocol<unknown, infer Events> ? Events : never;
