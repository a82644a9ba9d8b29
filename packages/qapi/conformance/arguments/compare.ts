import {
  decodeArguments,
  type JsonValue,
  type ProtocolDescriptor,
  QapiError,
} from '../../src/runtime/index.js';
import type { Reply } from '../live-qemu.js';

export interface Expectation {
  /** The decoder's error; undefined when it accepts the arguments. */
  readonly error: { readonly class: string; readonly desc: string } | undefined;
}

export function expectationOf(protocol: ProtocolDescriptor, command: string, args: JsonValue): Expectation {
  try {
    decodeArguments(protocol, command, args);
    return { error: undefined };
  } catch (error) {
    if (!(error instanceof QapiError)) throw error;
    return { error: { class: error.errorClass, desc: error.message } };
  }
}

/** What came of one command. The kinds of difference that are explained say so. */
export type Outcome =
  | 'same error'
  | 'accepted by both'
  | 'explained: which of several unexpected parameters is named'
  | 'different error'
  | 'refused by the decoder only'
  | 'refused by QEMU only';

/** Texts that only the decoding of arguments produces. */
const decodingErrors: readonly RegExp[] = [
  /^Parameter '.*' is (unexpected|missing)$/,
  /^Invalid parameter type for '.*', expected: /,
  /^Parameter '.*' expects u?int(8_t|16_t|32_t|64)$/,
  /^Parameter '.*' does not accept value '.*'$/,
];

const unexpected = /^Parameter '(?:.*\.)?([^.']*)' is unexpected$/;

export function outcomeOf({ error }: Expectation, reply: Reply, args: JsonValue): Outcome {
  const theirs = reply.error;
  if (error === undefined) {
    return theirs !== undefined && decodingErrors.some((pattern) => pattern.test(theirs.desc))
      ? 'refused by QEMU only'
      : 'accepted by both';
  }
  if (theirs === undefined) return 'refused by the decoder only';
  if (theirs.class === error.class && theirs.desc === error.desc) return 'same error';
  // QEMU keeps members in a hash table and names the first that it meets there; the decoder goes by the text.
  if (unexpected.test(theirs.desc) && unexpected.test(error.desc) && sameObject(error.desc, theirs.desc)) {
    const name = unexpected.exec(theirs.desc)![1]!;
    if (
      JSON.stringify(args, (_, value) => (typeof value === 'bigint' ? `${value}` : value)).includes(
        `"${name}":`,
      )
    ) {
      return 'explained: which of several unexpected parameters is named';
    }
  }
  return 'different error';
}

/** Whether two texts name members of the same object. */
function sameObject(a: string, b: string): boolean {
  const parent = (text: string) => /^Parameter '(.*?)[^.']*' is/.exec(text)?.[1];
  return parent(a) === parent(b);
}
