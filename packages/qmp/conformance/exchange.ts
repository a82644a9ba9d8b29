/** A descriptor to send along: what it is opened as. */
export type Descriptor = 'null-read' | 'null-write' | 'null-read-write' | 'socket';

/** Something that a client sends, and how many messages are to come of it before the next. */
export interface Exchange {
  readonly send: string | Uint8Array;
  /** Which of the monitors it goes to; the first unless given. */
  readonly monitor?: number;
  /** Sent in pieces of so many bytes. */
  readonly chunk?: number;
  readonly descriptors?: readonly Descriptor[];
  /** How many messages come on the monitor itself; one unless given. */
  readonly replies?: number;
  /** How many messages come on other monitors, by their number. */
  readonly elsewhere?: Readonly<Record<number, number>>;
  /** Disconnects first and connects again; the greeting counts as a reply. */
  readonly reconnect?: true;
  /** Order of arrival is not defined, so that the messages are compared as a set. */
  readonly unordered?: true;
}

/** Exchanges that belong together, on connections of their own. */
export interface Scenario {
  readonly name: string;
  /** How the monitors are negotiated before; `none` begins right after the greeting. */
  readonly negotiate: 'none' | 'plain' | 'oob';
  /** How many monitors are connected; one unless given. The third is pretty. */
  readonly monitors?: number;
  readonly exchanges: readonly Exchange[];
}

/** A command as JSON text. */
export function command(name: string, args?: string, rest = ''): string {
  return `{"execute": "${name}"${args === undefined ? '' : `, "arguments": ${args}`}${rest}}`;
}
