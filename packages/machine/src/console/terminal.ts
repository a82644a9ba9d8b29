import { BLACK, BRIGHT, WHITE } from './palette.js';
import { PLAIN, type Position, type Rendition, Screen } from './screen.js';
import { decodeTerminal, encodeTerminal, type ParserState } from './terminal-state.js';

const ROWS = 24;
const NARROW = 80;
const WIDE = 132;

/** More parameters, or greater ones, than any sequence has a use for are cut off. */
const MAX_PARAMETERS = 16;
const MAX_PARAMETER = 9999;
const MAX_PREFIX = 4;

/** Stands for every character that is not ASCII; the screen's font draws a box. */
const NOT_ASCII = 0x7f;

const Code = {
  BACKSPACE: 8,
  TAB: 9,
  LF: 10,
  FF: 12,
  CR: 13,
  CAN: 24,
  SUB: 26,
  ESC: 27,
  DELETE: 0x7f,
} as const;

export interface TerminalOptions {
  /** 80 if absent. */
  readonly columns?: number;
  /** 24 if absent. */
  readonly rows?: number;
  /** Takes the answers to what the program inquires: whether the terminal is ready, and where its cursor is. */
  readonly answer?: (bytes: Uint8Array) => void;
}

/**
 * Carries out on a screen what a program writes to a VT100 (ECMA-48, DEC private modes 3, 7 and 25): text, cursor
 * movements, erasing, scrolling, insertion, colours. What it does not know is left out, never shown. It answers inquiries
 * only where it is told to: where it just looks on, the terminal that the guest talks with is at the other end of its
 * serial line.
 */
export class Terminal {
  readonly #columns: number;
  readonly #rows: number;
  readonly #answer: ((bytes: Uint8Array) => void) | undefined;
  readonly #screen: Screen;
  readonly #watchers = new Set<() => void>();
  #state: ParserState = 'text';
  #parameters: number[] = [];
  /** `?` and the like after `ESC [`. */
  #prefix = '';
  #rendition: Rendition = PLAIN;
  #saved: Position & { readonly rendition: Rendition } = { row: 0, column: 0, rendition: PLAIN };
  #cursorVisible = true;

  constructor({ columns = NARROW, rows = ROWS, answer }: TerminalOptions = {}) {
    this.#columns = columns;
    this.#rows = rows;
    this.#answer = answer;
    this.#screen = new Screen(columns, rows);
  }

  /** As many columns as it was made with, or 132 where the guest asks for them. */
  get screen(): Screen {
    return this.#screen;
  }

  get cursorVisible(): boolean {
    return this.#cursorVisible;
  }

  /** Adds a listener for changes of the screen; returns how to remove it. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.#take(byte);
    this.#announce();
  }

  /** What it shows, and what it is in the middle of. */
  save(): Uint8Array {
    return encodeTerminal({
      screen: this.#screen.state,
      rendition: this.#rendition,
      saved: this.#saved,
      cursorVisible: this.#cursorVisible,
      parser: this.#state,
      parameters: this.#parameters,
      prefix: this.#prefix,
    });
  }

  /**
   * Goes on from what {@link save} returned, which `bytes` begin with.
   * @returns how many bytes that is
   * @throws Error when it is not the state of a terminal; nothing has changed then
   */
  load(bytes: Uint8Array): number {
    const { state, length } = decodeTerminal(bytes, {
      columns: [this.#columns, WIDE],
      rows: this.#rows,
      parameters: MAX_PARAMETERS,
      prefix: MAX_PREFIX,
    });
    this.#screen.restore(state.screen);
    this.#select(state.rendition);
    this.#saved = state.saved;
    this.#cursorVisible = state.cursorVisible;
    this.#state = state.parser;
    this.#parameters = [...state.parameters];
    this.#prefix = state.prefix;
    this.#announce();
    return length;
  }

  /** Back to the state of power-on. */
  reset(): void {
    this.#state = 'text';
    this.#select(PLAIN);
    this.#saved = { row: 0, column: 0, rendition: PLAIN };
    this.#cursorVisible = true;
    if (this.#screen.columns === this.#columns) {
      this.#screen.setScrollRegion(0, this.#screen.rows - 1);
      this.#clear();
    } else this.#screen.resize(this.#columns);
    this.#announce();
  }

  #announce(): void {
    if (this.#screen.changed) for (const watcher of this.#watchers) watcher();
  }

  #take(byte: number): void {
    if (byte === Code.ESC && this.#state !== 'string') this.#state = 'escape';
    else if (byte === Code.CAN || byte === Code.SUB) this.#state = 'text';
    else if (byte < 0x20 && this.#state !== 'string') this.#control(byte);
    else this.#follow(byte);
  }

  #follow(byte: number): void {
    switch (this.#state) {
      case 'text':
        if (byte < Code.DELETE) this.#screen.print(byte);
        // One box for each character of UTF-8, whose further bytes are these.
        else if (byte >= 0xc0) this.#screen.print(NOT_ASCII);
        break;
      case 'escape':
        this.#escape(String.fromCharCode(byte));
        break;
      case 'skip-one':
        this.#state = 'text';
        break;
      case 'sequence':
        this.#sequence(byte);
        break;
      case 'string':
        if (byte === 7) this.#state = 'text';
        else if (byte === Code.ESC) this.#state = 'string-escape';
        break;
      case 'string-escape':
        this.#state = 'text';
        break;
    }
  }

  #control(byte: number): void {
    const screen = this.#screen;
    if (byte === Code.BACKSPACE) screen.backspace();
    else if (byte === Code.TAB) screen.tab();
    else if (byte >= Code.LF && byte <= Code.FF) screen.lineFeed();
    else if (byte === Code.CR) screen.carriageReturn();
  }

  #escape(letter: string): void {
    const screen = this.#screen;
    this.#state = 'text';
    switch (letter) {
      case '[':
        this.#state = 'sequence';
        this.#parameters = [0];
        this.#prefix = '';
        break;
      case ']':
      case 'P':
      case '_':
      case '^':
        this.#state = 'string';
        break;
      case '(':
      case ')':
      case '#':
      case '%':
        this.#state = 'skip-one';
        break;
      case '7':
        this.#save();
        break;
      case '8':
        this.#restore();
        break;
      case 'D':
        screen.lineFeed();
        break;
      case 'E':
        screen.carriageReturn();
        screen.lineFeed();
        break;
      case 'M':
        screen.reverseLineFeed();
        break;
      case 'c':
        this.reset();
        break;
    }
  }

  #sequence(byte: number): void {
    const parameters = this.#parameters;
    if (byte >= 0x30 && byte <= 0x39) {
      const last = parameters.length - 1;
      parameters[last] = Math.min(parameters[last]! * 10 + byte - 0x30, MAX_PARAMETER);
    } else if (byte === 0x3b || byte === 0x3a) {
      if (parameters.length < MAX_PARAMETERS) parameters.push(0);
    } else if (byte < 0x40) this.#prefix += this.#prefix.length < MAX_PREFIX ? String.fromCharCode(byte) : '';
    else {
      this.#state = 'text';
      const final = String.fromCharCode(byte);
      if (this.#prefix === '') this.#perform(final);
      else if (this.#prefix === '?' && (final === 'h' || final === 'l')) this.#setModes(final === 'h');
    }
  }

  #perform(final: string): void {
    const screen = this.#screen;
    const { row, column } = screen.cursor;
    const [first = 0, second = 0] = this.#parameters;
    const count = Math.max(first, 1);
    switch (final) {
      case 'A':
        screen.moveTo(row - count, column);
        break;
      case 'B':
      case 'e':
        screen.moveTo(row + count, column);
        break;
      case 'C':
      case 'a':
        screen.moveTo(row, column + count);
        break;
      case 'D':
        screen.moveTo(row, column - count);
        break;
      case 'E':
        screen.moveTo(row + count, 0);
        break;
      case 'F':
        screen.moveTo(row - count, 0);
        break;
      case 'G':
      case '`':
        screen.moveTo(row, count - 1);
        break;
      case 'd':
        screen.moveTo(count - 1, column);
        break;
      case 'H':
      case 'f':
        screen.moveTo(count - 1, Math.max(second, 1) - 1);
        break;
      case 'J':
        this.#eraseDisplay(first);
        break;
      case 'K':
        this.#eraseLine(first);
        break;
      case 'X':
        screen.erase({ row, column }, { row, column: Math.min(column + count, screen.columns) });
        break;
      case 'L':
        screen.insertLines(count);
        break;
      case 'M':
        screen.insertLines(-count);
        break;
      case '@':
        screen.insertCharacters(count);
        break;
      case 'P':
        screen.insertCharacters(-count);
        break;
      case 'm':
        this.#select(rendered(this.#rendition, this.#parameters));
        break;
      case 'n':
        this.#report(first);
        break;
      case 'r':
        screen.setScrollRegion(count - 1, second === 0 ? screen.rows - 1 : second - 1);
        break;
      case 's':
        this.#save();
        break;
      case 'u':
        this.#restore();
        break;
    }
  }

  /** Device status: 5 for whether it is ready, 6 for where the cursor is, counted from 1. */
  #report(what: number): void {
    const { row, column } = this.#screen.cursor;
    if (what === 5) this.#answer?.(Buffer.from('\x1b[0n'));
    else if (what === 6) this.#answer?.(Buffer.from(`\x1b[${row + 1};${column + 1}R`));
  }

  #setModes(on: boolean): void {
    for (const mode of this.#parameters) {
      if (mode === 25) {
        this.#cursorVisible = on;
        this.#screen.moveTo(this.#screen.cursor.row, this.#screen.cursor.column);
      } else if (mode === 3) this.#screen.resize(on ? WIDE : this.#columns);
    }
  }

  #eraseDisplay(what: number): void {
    const { rows, cursor } = this.#screen;
    if (what === 0) this.#screen.erase(cursor, { row: rows, column: 0 });
    else if (what === 1) this.#screen.erase({ row: 0, column: 0 }, { ...cursor, column: cursor.column + 1 });
    else this.#screen.erase({ row: 0, column: 0 }, { row: rows, column: 0 });
  }

  #eraseLine(what: number): void {
    const { row, column } = this.#screen.cursor;
    const from = what === 0 ? column : 0;
    const to = what === 1 ? column + 1 : this.#screen.columns;
    this.#screen.erase({ row, column: from }, { row, column: to });
  }

  #clear(): void {
    this.#eraseDisplay(2);
    this.#screen.moveTo(0, 0);
  }

  #save(): void {
    this.#saved = { ...this.#screen.cursor, rendition: this.#rendition };
  }

  #restore(): void {
    const { row, column, rendition } = this.#saved;
    this.#screen.moveTo(row, column);
    this.#select(rendition);
  }

  #select(rendition: Rendition): void {
    this.#rendition = rendition;
    this.#screen.rendition = rendition;
  }
}

/** What SGR parameters make of a rendition. */
function rendered(before: Rendition, parameters: readonly number[]): Rendition {
  let now = before;
  for (let index = 0; index < parameters.length; index++) {
    const parameter = parameters[index]!;
    if (parameter === 38 || parameter === 48) {
      // Colours beyond sixteen are not there; their own parameters must not be taken for others.
      index += parameters[index + 1] === 5 ? 2 : 4;
      continue;
    }
    now = { ...now, ...effectOf(parameter) };
  }
  return now;
}

function effectOf(parameter: number): Partial<Rendition> {
  switch (parameter) {
    case 0:
      return PLAIN;
    case 1:
      return { bold: true };
    case 4:
      return { underline: true };
    case 7:
      return { inverse: true };
    case 22:
      return { bold: false };
    case 24:
      return { underline: false };
    case 27:
      return { inverse: false };
    case 39:
      return { foreground: WHITE };
    case 49:
      return { background: BLACK };
  }
  const colour = parameter % 10;
  if (colour > 7) return {};
  switch (parameter - colour) {
    case 30:
      return { foreground: colour };
    case 40:
      return { background: colour };
    case 90:
      return { foreground: colour | BRIGHT };
    case 100:
      return { background: colour | BRIGHT };
    default:
      return {};
  }
}
