const LINE_LIMIT = 4095;
const HISTORY_LIMIT = 64;
const ESCAPE = '\x1b';
/** An escape sequence that is longer is none. */
const SEQUENCE_LIMIT = 16;

/** What keys do that are no characters of a line. */
const KEYS: Readonly<Record<string, 'enter' | 'rub-out' | 'erase-line' | 'older' | 'newer'>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\b': 'rub-out',
  '\x7f': 'rub-out',
  '\x15': 'erase-line',
  '\x1b[A': 'older',
  '\x1b[B': 'newer',
};

/** Turns keys into lines, echoing them: characters, backspace, Ctrl-U, and the arrows for lines typed before. */
export class LineEditor {
  readonly #echo: (text: string) => void;
  readonly #onLine: (line: string) => void;
  readonly #history: string[] = [];
  #line = '';
  /** How far back in the history the line is; 0 for a new one. */
  #back = 0;
  /** The start of an escape sequence whose end has not come. */
  #pending = '';
  #lastWasReturn = false;

  constructor(echo: (text: string) => void, onLine: (line: string) => void) {
    this.#echo = echo;
    this.#onLine = onLine;
  }

  receive(bytes: Uint8Array): void {
    const text = this.#pending + Buffer.from(bytes).toString('latin1');
    this.#pending = '';
    for (let at = 0; at < text.length; ) {
      const length = keyLength(text, at);
      if (length === undefined) {
        this.#pending = text.slice(at);
        return;
      }
      this.#press(text.slice(at, at + length));
      at += length;
    }
  }

  #press(key: string): void {
    // A terminal's Return and a program's line end are one, even as CR LF.
    const afterReturn = this.#lastWasReturn;
    this.#lastWasReturn = key === '\r';
    if (key === '\n' && afterReturn) return;
    switch (KEYS[key]) {
      case 'enter':
        this.#enter();
        return;
      case 'rub-out':
        if (this.#line !== '') this.#show(this.#line.slice(0, -1));
        return;
      case 'erase-line':
        this.#show('');
        return;
      case 'older':
        this.#recall(this.#back + 1);
        return;
      case 'newer':
        this.#recall(this.#back - 1);
        return;
      default:
        if (key.length > 1 || key < ' ' || this.#line.length >= LINE_LIMIT) return;
        this.#line += key;
        this.#echo(key);
    }
  }

  #enter(): void {
    const line = this.#line;
    this.#line = '';
    this.#back = 0;
    if (line.trim() !== '' && line !== this.#history.at(-1)) {
      this.#history.push(line);
      if (this.#history.length > HISTORY_LIMIT) this.#history.shift();
    }
    this.#echo('\r\n');
    this.#onLine(line);
  }

  #recall(back: number): void {
    if (back < 0 || back > this.#history.length) return;
    this.#back = back;
    this.#show(back === 0 ? '' : this.#history.at(-back)!);
  }

  /** Replaces the line on the screen, from where it differs on. */
  #show(line: string): void {
    let same = 0;
    while (same < line.length && line[same] === this.#line[same]) same++;
    this.#echo('\b \b'.repeat(this.#line.length - same) + line.slice(same));
    this.#line = line;
  }
}

/** Characters of the key at `at`; undefined for an escape sequence whose end is still to come. */
function keyLength(text: string, at: number): number | undefined {
  if (text[at] !== ESCAPE) return 1;
  if (at + 1 === text.length) return undefined;
  if (text[at + 1] !== '[') return 1;
  const [parameters] = /^[0-9;]*/.exec(text.slice(at + 2))!;
  const end = at + 2 + parameters.length;
  if (end < text.length) return end + 1 - at;
  return parameters.length < SEQUENCE_LIMIT ? undefined : end - at;
}
