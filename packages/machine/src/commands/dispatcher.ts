import type { JsonObject, JsonValue } from '@godwit/json';
import { type CommandDescriptor, decodeArguments, encodeReturn, findCommand } from '@godwit/qapi/runtime';
import type { CommandContext, CommandTraits, Dispatcher } from '@godwit/qmp';
import { protocol } from '../generated/index.js';
import type { Machine } from '../machine.js';
import { VERSION } from '../version.js';
import type { CommandCall } from './command-call.js';
import { COMMAND_HANDLERS } from './table.js';

/** A handler as the dispatcher calls it: what it takes and returns is what the schema says of the command. */
type AnyHandler = (args: unknown, call: CommandCall) => unknown;

/** Executes commands on a machine: arguments are decoded by the schema, what a handler returns is encoded by it. */
export function createDispatcher(machine: Machine): Dispatcher {
  return {
    greeting: VERSION as unknown as JsonObject,
    get phase() {
      return machine.phase;
    },
    describe: (command) => {
      const descriptor = findCommand(protocol, command);
      return descriptor === undefined ? undefined : traitsOf(descriptor);
    },
    execute: (command, args, context) => execute(machine, command, args, context),
  };
}

function execute(
  machine: Machine,
  command: string,
  args: JsonObject,
  { monitor, takeDescriptor }: CommandContext,
): Promise<JsonValue> | JsonValue {
  const decoded = decodeArguments(protocol, command, args);
  const handler = COMMAND_HANDLERS[command as keyof typeof COMMAND_HANDLERS] as AnyHandler;
  const result = handler(decoded, { machine, monitor, takeDescriptor });
  if (result instanceof Promise) {
    return result.then((value: unknown) => encodeReturn(protocol, command, value) as JsonValue);
  }
  return encodeReturn(protocol, command, result) as JsonValue;
}

function traitsOf({ allowOob, allowPreconfig, noSuccessResponse }: CommandDescriptor): CommandTraits {
  return {
    allowOob: allowOob === true,
    allowPreconfig: allowPreconfig === true,
    noSuccessResponse: noSuccessResponse === true,
  };
}
