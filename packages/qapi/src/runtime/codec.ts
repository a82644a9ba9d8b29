import { decodeEvent, decodeReturn, encodeArguments } from './calls.js';
import type { JsonObject, JsonValue } from './json.js';
import type { Protocol } from './typed.js';

/** What a client needs of a protocol: its calls turned into JSON and back, typed by its commands and events. */
export interface ClientCodec<Commands, Events> {
  /** Undefined when there is nothing to send. @throws TypeError for arguments that the schema does not have */
  encodeArguments(command: string, args: unknown): JsonObject | undefined;
  /** @throws OutputMismatch */
  decodeReturn(command: string, value: JsonValue): unknown;
  /** @throws OutputMismatch */
  decodeEvent(event: string, data: JsonValue | undefined): unknown;
  /** Never there: it carries the types. */
  readonly types?: { readonly commands: Commands; readonly events: Events };
}

/**
 * The option `protocol` of `QmpClient.connect`: what generated code says of a server, as a client uses it. It types the
 * client's commands and events.
 */
export function clientCodec<Commands, Events>(
  protocol: Protocol<Commands, Events>,
): ClientCodec<Commands, Events> {
  return {
    encodeArguments: (command, args) => encodeArguments(protocol, command, args),
    decodeReturn: (command, value) => decodeReturn(protocol, command, value),
    decodeEvent: (event, data) => decodeEvent(protocol, event, data),
  };
}
