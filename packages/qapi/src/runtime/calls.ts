import { checkPolicy, decode, type InputPolicy } from './decode.js';
import { decodeOutput } from './decode-output.js';
import { type CommandDescriptor, findCommand, findEvent, type ProtocolDescriptor } from './descriptor.js';
import { encode } from './encode.js';
import { QapiError } from './error.js';
import { type JsonObject, type JsonValue, kindOf } from './json.js';
import { unexpectedMember } from './unexpected-member.js';

/**
 * A command by its name, if the policy takes it.
 * @throws QapiError CommandNotFound, `The command x has not been found`, or disabled by policy
 */
export function lookupCommand(
  protocol: ProtocolDescriptor,
  name: string,
  policy: InputPolicy = {},
): CommandDescriptor {
  const command = findCommand(protocol, name);
  if (command === undefined) {
    throw new QapiError('CommandNotFound', `The command ${name} has not been found`);
  }
  checkPolicy(policy, command.features, 'CommandNotFound', 'command', name);
  return command;
}

/**
 * Server side: the arguments of a request, decoded strictly; absent ones count as empty. A command that takes
 * none yields undefined.
 * @throws QapiError
 */
export function decodeArguments(
  protocol: ProtocolDescriptor,
  command: string,
  args: JsonValue | undefined,
  policy: InputPolicy = {},
): unknown {
  const { args: type, raw } = lookupCommand(protocol, command, policy);
  const given = args === undefined ? {} : args;
  if (kindOf(given) !== 'object') {
    throw new QapiError('GenericError', "QMP input member 'arguments' must be an object");
  }
  if (raw) return given;
  if (type !== undefined) return decode(protocol, type, given, policy);
  const unexpected = unexpectedMember(Object.keys(given as JsonObject), () => false);
  if (unexpected !== undefined) {
    throw new QapiError('GenericError', `Parameter '${unexpected}' is unexpected`);
  }
  return undefined;
}

/**
 * Client side: arguments as they go into a request; undefined when there are none. A command that the protocol does
 * not know takes any, since the server may be newer.
 * @throws TypeError
 */
export function encodeArguments(
  protocol: ProtocolDescriptor,
  command: string,
  args: unknown,
): JsonObject | undefined {
  const descriptor = findCommand(protocol, command);
  const type = descriptor === undefined || descriptor.raw ? 'any' : descriptor.args;
  if (args === undefined && (type === undefined || descriptor === undefined)) return undefined;
  if (type === undefined) throw new TypeError(`${command} takes no arguments`);
  return encode(protocol, type, args ?? {}) as JsonObject;
}

/** Server side: what a handler returned, as it goes into `return`; `{}` when the command returns nothing. @throws TypeError */
export function encodeReturn(protocol: ProtocolDescriptor, command: string, value: unknown): JsonValue {
  const { returns } = lookupCommand(protocol, command);
  return returns === undefined ? (Object.create(null) as JsonObject) : encode(protocol, returns, value);
}

/**
 * Client side: the value of `return`; undefined when the command returns nothing. What a command returns that the
 * protocol does not know is left as it came.
 * @throws OutputMismatch
 */
export function decodeReturn(protocol: ProtocolDescriptor, command: string, value: JsonValue): unknown {
  const descriptor = findCommand(protocol, command);
  if (descriptor === undefined) return value;
  return descriptor.returns === undefined ? undefined : decodeOutput(protocol, descriptor.returns, value);
}

/** Server side: the `data` of an event; undefined when it is left out because it would be empty. @throws TypeError */
export function encodeEvent(
  protocol: ProtocolDescriptor,
  event: string,
  data: unknown,
): JsonObject | undefined {
  const descriptor = findEvent(protocol, event);
  if (descriptor === undefined) throw new TypeError(`the protocol has no event '${event}'`);
  if (descriptor.data === undefined) {
    if (data !== undefined) throw new TypeError(`${event} carries no data`);
    return undefined;
  }
  const encoded = encode(protocol, descriptor.data, data ?? {}) as JsonObject;
  return Object.keys(encoded).length === 0 ? undefined : encoded;
}

/** Client side: the `data` of an event; of an event that the protocol does not know, as it came. @throws OutputMismatch */
export function decodeEvent(
  protocol: ProtocolDescriptor,
  event: string,
  data: JsonValue | undefined,
): unknown {
  const descriptor = findEvent(protocol, event);
  if (descriptor === undefined) return data;
  return descriptor.data === undefined ? undefined : decodeOutput(protocol, descriptor.data, data ?? {});
}
