import type { JsonObject, JsonValue } from '@godwit/json';
import type { NamedDescriptors } from '../descriptors/named-descriptors.js';

/** The error classes of QMP (QAPI schema: QapiErrorClass). */
export type QmpErrorClass =
  | 'GenericError'
  | 'CommandNotFound'
  | 'DeviceNotActive'
  | 'DeviceNotFound'
  | 'KVMMissingCap';

/** What a command fails with: the client is told `{"error": {"class": errorClass, "desc": message}}`. */
export class QmpError extends Error {
  override readonly name = 'QmpError';
  readonly errorClass: QmpErrorClass;

  constructor(errorClass: QmpErrorClass, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errorClass = errorClass;
  }
}

/** What is known of a command before it is executed. */
export interface CommandTraits {
  readonly allowOob: boolean;
  readonly allowPreconfig: boolean;
  /** The command sends no reply when it succeeds. */
  readonly noSuccessResponse: boolean;
}

/** The commands behind the monitors: the machine, or a stand-in for it. */
export interface Dispatcher {
  /** The `version` of the greeting: `{"qemu": {"micro", "minor", "major"}, "package"}`. */
  readonly greeting: JsonObject;
  /** Before `ready`, only commands with {@link CommandTraits.allowPreconfig} are executed. */
  readonly phase: 'preconfig' | 'ready';
  /** Undefined when there is no such command. `qmp_capabilities` is the session's own and is not asked for. */
  describe(command: string): CommandTraits | undefined;
  /**
   * Runs a command whose arguments are not checked yet. An error with an `errorClass` reaches the client as it is (see
   * {@link QmpError}); any other is reported as a GenericError with its message. Undefined is returned as `{}`.
   */
  execute(
    command: string,
    args: JsonObject,
    context: CommandContext,
  ): Promise<JsonValue | undefined> | JsonValue | undefined;
}

/** Who sent a command, and what came with it. */
export interface CommandContext {
  readonly monitor: MonitorIdentity;
  readonly outOfBand: boolean;
  /**
   * The first descriptor that came with the command; the rest are closed. The caller owns it from here on. Undefined when
   * none came, or it was taken before.
   */
  takeDescriptor(): number | undefined;
}

/** One configured monitor. It outlives the connections to it. */
export interface MonitorIdentity {
  readonly label: string;
  /** Descriptors that were given names by `getfd`. They survive a disconnect. */
  readonly descriptors: NamedDescriptors;
}
