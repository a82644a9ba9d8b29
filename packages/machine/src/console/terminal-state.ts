import { type Rendition, type ScreenState, showable } from './screen.js';

/** What a terminal is in the middle of. */
const PARSER_STATES = ['text', 'escape', 'skip-one', 'sequence', 'string', 'string-escape'] as const;

export type ParserState = (typeof PARSER_STATES)[number];

/** All that a terminal remembers. */
export interface TerminalState {
  readonly screen: ScreenState;
  readonly rendition: Rendition;
  readonly saved: { readonly row: number; readonly column: number; readonly rendition: Rendition };
  readonly cursorVisible: boolean;
  readonly parser: ParserState;
  readonly parameters: readonly number[];
  readonly prefix: string;
}

/** What a terminal can have; a state that goes beyond it is none. */
export interface TerminalLimits {
  readonly columns: readonly number[];
  readonly rows: number;
  readonly parameters: number;
  readonly prefix: number;
}

const HEAD = [
  'columns',
  'row',
  'column',
  'wrapping',
  'top',
  'bottom',
  'rendition',
  'savedRow',
  'savedColumn',
  'savedRendition',
  'cursorVisible',
  'parser',
  'parameters',
  'prefix',
] as const;

type Head = Record<(typeof HEAD)[number], number>;

/** Foreground and background take 4 bits each, then come bold, underline, inverse. */
const RENDITION_BITS = 11;

/**
 * The state as numbers of 16 bits, big-endian: those of {@link HEAD}, the parameters and the characters of the prefix (as
 * many as the head says), then the cells, row by row.
 */
export function encodeTerminal({
  screen,
  saved,
  parameters,
  prefix,
  ...terminal
}: TerminalState): Uint8Array {
  const head: Head = {
    ...screen,
    wrapping: Number(screen.wrapping),
    rendition: numberOf(terminal.rendition),
    savedRow: saved.row,
    savedColumn: saved.column,
    savedRendition: numberOf(saved.rendition),
    cursorVisible: Number(terminal.cursorVisible),
    parser: PARSER_STATES.indexOf(terminal.parser),
    parameters: parameters.length,
    prefix: prefix.length,
  };
  const numbers = [
    ...HEAD.map((name) => head[name]),
    ...parameters,
    ...[...prefix].map((character) => character.charCodeAt(0)),
    ...screen.cells,
  ];
  const bytes = Buffer.alloc(2 * numbers.length);
  numbers.forEach((number, index) => {
    bytes.writeUInt16BE(number, 2 * index);
  });
  return bytes;
}

/**
 * Reads what {@link encodeTerminal} wrote from the start of `bytes`.
 * @returns the state, and how many bytes it took
 * @throws Error when it is not the state of a terminal with these limits
 */
export function decodeTerminal(
  bytes: Uint8Array,
  limits: TerminalLimits,
): { readonly state: TerminalState; readonly length: number } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const take = (count: number): number[] => {
    if (at + 2 * count > view.length) throw new Error('the state of the terminal is cut short');
    const numbers = Array.from({ length: count }, (_, index) => view.readUInt16BE(at + 2 * index));
    at += 2 * count;
    return numbers;
  };
  const values = take(HEAD.length);
  const head = Object.fromEntries(HEAD.map((name, index) => [name, values[index]])) as Head;
  checkHead(head, limits);
  const parameters = take(head.parameters);
  const prefix = String.fromCharCode(...take(head.prefix));
  const cells = Uint16Array.from(take(head.columns * limits.rows));
  if (!cells.every(showable)) throw new Error('a terminal with a cell that no screen can show');
  const state: TerminalState = {
    screen: { ...head, wrapping: head.wrapping !== 0, cells },
    rendition: renditionOf(head.rendition),
    saved: {
      row: head.savedRow,
      column: head.savedColumn,
      rendition: renditionOf(head.savedRendition),
    },
    cursorVisible: head.cursorVisible !== 0,
    parser: PARSER_STATES[head.parser]!,
    parameters,
    prefix,
  };
  return { state, length: at };
}

function checkHead(head: Head, { columns, rows, parameters, prefix }: TerminalLimits): void {
  if (!columns.includes(head.columns)) throw new Error(`a terminal of ${head.columns} columns`);
  const widest = Math.max(...columns);
  /** One more than each can be. The saved cursor may be from a time when there were more columns. */
  const ends: Head = {
    columns: widest + 1,
    row: rows,
    column: head.columns,
    wrapping: 2,
    top: head.bottom,
    bottom: rows,
    rendition: 1 << RENDITION_BITS,
    savedRow: rows,
    savedColumn: widest,
    savedRendition: 1 << RENDITION_BITS,
    cursorVisible: 2,
    parser: PARSER_STATES.length,
    parameters: parameters + 1,
    prefix: prefix + 1,
  };
  const wrong = HEAD.find((name) => head[name] >= ends[name]);
  if (wrong !== undefined) throw new Error(`a terminal whose ${wrong} is ${head[wrong]}`);
}

function numberOf({ foreground, background, bold, underline, inverse }: Rendition): number {
  return foreground | (background << 4) | (+bold << 8) | (+underline << 9) | (+inverse << 10);
}

function renditionOf(number: number): Rendition {
  return {
    foreground: number & 0xf,
    background: (number >> 4) & 0xf,
    bold: (number & 0x100) !== 0,
    underline: (number & 0x200) !== 0,
    inverse: (number & 0x400) !== 0,
  };
}
