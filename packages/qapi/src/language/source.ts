import type { Span } from './span.js';

/** A line and a column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an included file was included: the including file and the line of the directive. */
export interface Inclusion {
  readonly file: string;
  readonly line: number;
  readonly parent: Inclusion | undefined;
}

/** One schema file: its text, the path under which messages name it, and how it came to be read. */
export class Source {
  readonly path: string;
  readonly text: string;
  readonly includedFrom: Inclusion | undefined;
  #lineStarts: number[] | undefined;

  /** `text` gets the final newline it may lack. */
  constructor(path: string, text: string, includedFrom?: Inclusion) {
    this.path = path;
    this.text = text.endsWith('\n') ? text : `${text}\n`;
    this.includedFrom = includedFrom;
  }

  /** The line and the column (in UTF-16 units) of an offset. */
  position(offset: number): Position {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  }

  /** The column of an offset as QEMU counts it: code points, with tab stops every 8 columns. */
  displayColumn(offset: number): number {
    const { column } = this.position(offset);
    let result = 1;
    for (const character of this.text.slice(offset - column + 1, offset)) {
      result = character === '\t' ? Math.floor((result + 7) / 8) * 8 + 1 : result + 1;
    }
    return result;
  }

  /** Line and column of an offset as QEMU reports them for errors of syntax. */
  displayPlace(offset: number): Position {
    return new DisplayPlace(this, offset);
  }

  span(start: number, end: number): Span {
    return new SourceSpan(this, start, end);
  }

  /** The text of a line (counted from 1), without its newline. */
  line(number: number): string {
    const starts = this.#starts();
    const start = starts[number - 1];
    if (start === undefined) return '';
    const next = starts[number] ?? this.text.length;
    return this.text.slice(start, next).replace(/\r?\n$/, '');
  }

  #starts(): number[] {
    if (this.#lineStarts !== undefined) return this.#lineStarts;
    const starts = [0];
    for (let at = this.text.indexOf('\n'); at !== -1; at = this.text.indexOf('\n', at + 1))
      starts.push(at + 1);
    // What follows the last newline is not a line.
    if (starts.length > 1) starts.pop();
    this.#lineStarts = starts;
    return starts;
  }
}

/** Finds its line and column when it is asked for them. */
class SourceSpan implements Span {
  readonly start: number;
  readonly end: number;
  readonly #source: Source;

  constructor(source: Source, start: number, end: number) {
    this.#source = source;
    this.start = start;
    this.end = end;
  }

  get file(): string {
    return this.#source.path;
  }

  get line(): number {
    return this.#source.position(this.start).line;
  }

  get column(): number {
    return this.#source.position(this.start).column;
  }
}

/** Counts columns when it is asked for them, as lines can be long and errors many. */
class DisplayPlace implements Position {
  readonly #source: Source;
  readonly #offset: number;

  constructor(source: Source, offset: number) {
    this.#source = source;
    this.#offset = offset;
  }

  get line(): number {
    return this.#source.position(this.#offset).line;
  }

  get column(): number {
    return this.#source.displayColumn(this.#offset);
  }
}
