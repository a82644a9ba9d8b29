import type { JsonObject, JsonValue } from '@godwit/json';
import { JsonDouble } from '@godwit/json';
import { QmpError } from './dispatcher.js';
import { inDictionaryOrder } from './member-order.js';

/** A request that is well formed as far as its envelope goes. */
export interface Request {
  readonly command: string;
  readonly args: JsonObject;
  readonly outOfBand: boolean;
}

const noArguments: JsonObject = Object.freeze(Object.create(null) as JsonObject);

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonDouble)
  );
}

/** Whether a message is to be executed at once, ahead of the queue, be it valid or not. */
export function looksOutOfBand(message: JsonValue): boolean {
  return isObject(message) && message['exec-oob'] !== undefined && message.execute === undefined;
}

/**
 * Checks the envelope of a message.
 * @param oobEnabled whether the client has negotiated out-of-band execution
 * @throws QmpError for the first member that is wrong, in the order in which QEMU finds them
 */
export function checkRequest(message: JsonValue, oobEnabled: boolean): Request {
  if (!isObject(message)) throw new QmpError('GenericError', 'QMP input must be a JSON object');
  const members = Object.keys(message);
  const request = members.every((member) => plainMembers.has(member)) ? plainRequest(message) : undefined;
  if (request !== undefined) return request;

  let executeMember: 'execute' | 'exec-oob' | undefined;
  for (const member of inDictionaryOrder(members)) {
    const value = message[member];
    if (member === 'execute' || (member === 'exec-oob' && oobEnabled)) {
      if (typeof value !== 'string') {
        throw new QmpError('GenericError', `QMP input member '${member}' must be a string`);
      }
      if (executeMember !== undefined) {
        throw new QmpError('GenericError', `QMP input member '${member}' clashes with '${executeMember}'`);
      }
      executeMember = member;
    } else if (member === 'arguments') {
      if (!isObject(value)) {
        throw new QmpError('GenericError', "QMP input member 'arguments' must be an object");
      }
    } else if (member !== 'id') {
      throw new QmpError('GenericError', `QMP input member '${member}' is unexpected`);
    }
  }
  if (executeMember === undefined) throw new QmpError('GenericError', "QMP input lacks member 'execute'");
  return {
    command: message[executeMember] as string,
    args: (message.arguments ?? noArguments) as JsonObject,
    outOfBand: executeMember === 'exec-oob',
  };
}

const plainMembers: ReadonlySet<string> = new Set(['execute', 'arguments', 'id']);

/** The request that nearly every message is, without looking for what could be wrong with it. */
function plainRequest(message: JsonObject): Request | undefined {
  const command = message.execute;
  const args = message.arguments;
  if (typeof command !== 'string' || (args !== undefined && !isObject(args))) return undefined;
  return { command, args: args ?? noArguments, outOfBand: false };
}
