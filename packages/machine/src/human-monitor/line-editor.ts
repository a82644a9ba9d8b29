import type { Completions } from './completion.js';
import { LineHistory } from './history.js';

const LINE_LIMIT = 4095;
/** Columns of a list of candidates. */
const LIST_WIDTH = 80;
const MIN_COLUMN = 10;

/** What a byte did: nothing to be done, a line that is complete, or a wish to have it completed. */
export type Pressed = { readonly line: string } | 'complete' | undefined;

type EscapeState = 'none' | 'escape' | 'csi' | 'ss3';

/**
 * Edits a line on a terminal, byte by byte, and echoes it: control keys of a shell, arrows, history. Bytes beyond ASCII
 * are a character each, so that what comes back is what was typed.
 */
export class LineEditor {
  readonly history = new LineHistory();
  readonly #print: (bytes: string) => void;
  #prompt: string;
  #hidden = false;
  #line = '';
  #cursor = 0;
  /** What the terminal shows, and where its cursor is. */
  #shown = '';
  #shownCursor = 0;
  #escape: EscapeState = 'none';
  #parameter = 0;

  /** @param print takes characters of one byte each, lines ended by `\n` */
  constructor(prompt: string, print: (bytes: string) => void) {
    this.#prompt = prompt;
    this.#print = print;
  }

  /** Forgets what was typed, for a new line. */
  begin(prompt: string, hidden = false): void {
    this.#prompt = prompt;
    this.#hidden = hidden;
    this.#line = '';
    this.#cursor = 0;
  }

  showPrompt(): void {
    this.#print(this.#prompt);
    this.#shown = '';
    this.#shownCursor = 0;
    this.#escape = 'none';
  }

  press(byte: number): Pressed {
    const pressed = this.#escape === 'none' ? this.#pressPlain(byte) : this.#pressEscaped(byte);
    // The list of candidates comes before the line is shown again.
    if (pressed !== 'complete') this.#update();
    return pressed;
  }

  /** What stands before the cursor. */
  get beforeCursor(): string {
    return this.#line.slice(0, this.#cursor);
  }

  /** Goes on with what all candidates have in common, and lists them where there are several. */
  complete({ typed, candidates }: Completions): void {
    const [only, ...others] = candidates;
    if (only !== undefined && others.length === 0) {
      this.#insert(`${only.slice(typed)}${only === '' || only.endsWith('/') ? '' : ' '}`);
    } else if (only !== undefined) {
      const sorted = [...candidates].sort((a, b) => (a < b ? -1 : 1));
      this.#insert(commonPrefix(sorted).slice(typed));
      this.#print(`\n${inColumns(sorted)}`);
      this.showPrompt();
    }
    this.#update();
  }

  #pressPlain(byte: number): Pressed {
    switch (byte) {
      case 0x01: // ^A
        this.#cursor = 0;
        return undefined;
      case 0x04: // ^D
        this.#deleteAt(this.#cursor);
        return undefined;
      case 0x05: // ^E
        this.#cursor = this.#line.length;
        return undefined;
      case 0x09: // tab
        return 'complete';
      case 0x0a:
      case 0x0d:
        return this.#enter();
      case 0x0c: // ^L
        this.#print('\x1b[2J\x1b[1;1H');
        this.showPrompt();
        return undefined;
      case 0x17: // ^W
        this.#deleteWord();
        return undefined;
      case 0x1b:
        this.#escape = 'escape';
        return undefined;
      case 0x9b:
        this.#escape = 'csi';
        return undefined;
      case 0x08:
      case 0x7f:
        this.#deleteAt(this.#cursor - 1);
        return undefined;
      default:
        if (byte >= 0x20) this.#insert(String.fromCharCode(byte));
        return undefined;
    }
  }

  #pressEscaped(byte: number): Pressed {
    const state = this.#escape;
    const letter = String.fromCharCode(byte);
    if (state === 'csi' && /\d/.test(letter)) {
      this.#parameter = (this.#parameter * 10 + Number(letter)) % 1000;
      return undefined;
    }
    this.#escape = 'none';
    if (state === 'escape') {
      this.#parameter = 0;
      if (letter === '[') this.#escape = 'csi';
      else if (letter === 'O') this.#escape = 'ss3';
    } else if (state === 'ss3') {
      if (letter === 'H') this.#cursor = 0;
      else if (letter === 'F') this.#cursor = this.#line.length;
    } else this.#pressSequence(letter === '~' ? String(this.#parameter) : letter);
    return undefined;
  }

  /** A key by the last letter of its sequence, or by its number. */
  #pressSequence(key: string): void {
    switch (key) {
      case 'A':
      case 'F':
        this.#recall(this.history.older());
        break;
      case 'B':
      case 'E':
        this.#recall(this.history.newer());
        break;
      case 'C':
        this.#cursor = Math.min(this.#cursor + 1, this.#line.length);
        break;
      case 'D':
        this.#cursor = Math.max(this.#cursor - 1, 0);
        break;
      case '1': // Home
        this.#cursor = 0;
        break;
      case '3': // Delete
        this.#deleteAt(this.#cursor);
        break;
      case '4': // End
        this.#cursor = this.#line.length;
        break;
    }
  }

  #enter(): Pressed {
    const line = this.#line;
    if (!this.#hidden) this.history.add(line);
    this.#print('\n');
    this.#line = '';
    this.#cursor = 0;
    this.#shown = '';
    this.#shownCursor = 0;
    return { line };
  }

  #insert(text: string): void {
    const fitting = text.slice(0, LINE_LIMIT - this.#line.length);
    this.#line = this.#line.slice(0, this.#cursor) + fitting + this.#line.slice(this.#cursor);
    this.#cursor += fitting.length;
  }

  #deleteAt(position: number): void {
    if (position < 0 || position >= this.#line.length) return;
    this.#line = this.#line.slice(0, position) + this.#line.slice(position + 1);
    if (position < this.#cursor) this.#cursor--;
  }

  /** The word before the cursor, with the blanks after it. */
  #deleteWord(): void {
    const before = this.beforeCursor.replace(/[^ \t-\r]*[ \t-\r]*$/, '');
    this.#line = before + this.#line.slice(this.#cursor);
    this.#cursor = before.length;
  }

  #recall(line: string | undefined): void {
    if (line === undefined) return;
    this.#line = line;
    this.#cursor = line.length;
  }

  /** Shows the line as it is now: all of it anew where it has changed, then the cursor. */
  #update(): void {
    let output = '';
    if (this.#line !== this.#shown) {
      const text = this.#hidden ? '*'.repeat(this.#line.length) : this.#line;
      output += `${'\x1b[D'.repeat(this.#shownCursor)}${text}\x1b[K`;
      this.#shown = this.#line;
      this.#shownCursor = this.#line.length;
    }
    const right = this.#cursor - this.#shownCursor;
    output += right > 0 ? '\x1b[C'.repeat(right) : '\x1b[D'.repeat(-right);
    this.#shownCursor = this.#cursor;
    if (output !== '') this.#print(output);
  }
}

/** The longest beginning that all have; they are sorted, so that the first and the last tell. */
function commonPrefix(sorted: readonly string[]): string {
  const [first = '', last = ''] = [sorted[0], sorted.at(-1)];
  let length = 0;
  while (length < first.length && first[length] === last[length]) length++;
  return first.slice(0, length);
}

function inColumns(texts: readonly string[]): string {
  const longest = Math.max(...texts.map(({ length }) => length));
  const width = Math.min(Math.max(longest + 2, MIN_COLUMN), LIST_WIDTH);
  const perLine = Math.floor(LIST_WIDTH / width);
  const lines: string[] = [];
  for (let at = 0; at < texts.length; at += perLine) {
    const row = texts.slice(at, at + perLine).map((text) => text.padEnd(width));
    lines.push(`${row.join('')}\n`);
  }
  return lines.join('');
}
