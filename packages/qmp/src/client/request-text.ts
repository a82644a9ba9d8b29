import { type JsonObject, type JsonValue, stringify } from '@godwit/json';

/** An id as a key of a map: the same for the same JSON. */
export type IdKey = number | string;

export function idKey(id: JsonValue): IdKey {
  return typeof id === 'number' ? id : stringify(id);
}

export interface Request {
  readonly command: string;
  readonly args: JsonObject | undefined;
  readonly outOfBand: boolean;
}

/**
 * A request as it goes onto the wire, as short as it can be: QEMU reads byte by byte, each with several system calls.
 * @throws TypeError for arguments that are no JSON
 */
export function requestText({ command, args, outOfBand }: Request, id: JsonValue | undefined): string {
  const member = outOfBand ? 'exec-oob' : 'execute';
  const argumentsText = args === undefined ? '' : `,"arguments":${stringify(args, compact)}`;
  const idText = id === undefined ? '' : `,"id":${stringify(id, compact)}`;
  return `{"${member}":${stringify(command)}${argumentsText}${idText}}\n`;
}

const compact = { compact: true };
