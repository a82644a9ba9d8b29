/** A descriptor to send along: what it is opened as. */
export type Descriptor = 'null-read' | 'null-write' | 'null-read-write' | 'socket';

export type Exchange = MonitorExchange | SocketExchange;

/** Something that a client sends, and how many messages are to come of it before the next. */
export interface MonitorExchange {
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
  /** Sent again until what comes matches; only whether it did is compared. */
  readonly awaits?: RegExp;
  /** Order of arrival is not defined, so that the messages are compared as a set. */
  readonly unordered?: true;
  /** The order of lists in what comes is not defined, so that they are compared as sets. */
  readonly unorderedLists?: true;
  /** Members whose values differ from run to run, beside those that always do. */
  readonly varies?: readonly string[];
}

/** Bytes on a socket that is no QMP monitor: a human monitor, a serial port. Connected when it is first used. */
export interface SocketExchange {
  /** Its name in the folder of the program's sockets (see {@link Scenario.machine}). */
  readonly socket: string;
  readonly send: string;
  /** What the answer ends with; all up to there is compared. Empty: nothing is waited for. */
  readonly until: string;
  /** Connects anew first. */
  readonly reconnect?: true;
}

/** Exchanges that belong together, on connections of their own. */
export interface Scenario {
  readonly name: string;
  /**
   * Played to programs of its own, started with these arguments in place of `-S`; `FOLDER` in them, and in what is sent,
   * is a folder of the program's own.
   */
  readonly machine?: readonly string[];
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

/** A line of the human monitor, as a command of QMP. */
export function monitorLine(line: string, cpu?: number): MonitorExchange {
  const more = cpu === undefined ? '' : `, "cpu-index": ${cpu}`;
  return { send: command('human-monitor-command', `{"command-line": ${JSON.stringify(line)}${more}}`) };
}
