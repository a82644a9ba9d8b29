import { BLACK, WHITE } from './palette.js';

/** How the next characters look. Colours are indices into the palette. */
export interface Rendition {
  readonly foreground: number;
  readonly background: number;
  readonly bold: boolean;
  readonly underline: boolean;
  readonly inverse: boolean;
}

export const PLAIN: Rendition = {
  foreground: WHITE,
  background: BLACK,
  bold: false,
  underline: false,
  inverse: false,
};

export interface Position {
  readonly row: number;
  readonly column: number;
}

/** What a screen shows, and where its cursor is. */
export interface ScreenState extends Position {
  readonly columns: number;
  readonly wrapping: boolean;
  /** First and last row of the region that scrolls. */
  readonly top: number;
  readonly bottom: number;
  /** Row by row: the character in the low 7 bits, its look above. */
  readonly cells: Uint16Array;
}

const SPACE = 0x20;
const CODE_BITS = 7;
const TAB_WIDTH = 8;

/** Whether a cell of a {@link ScreenState} holds a character. */
export function showable(cell: number): boolean {
  return (cell & ((1 << CODE_BITS) - 1)) >= SPACE;
}

/**
 * What a terminal shows: a grid of characters with their colours, a cursor, and the region of rows that scrolls. Rows and
 * columns count from 0; positions outside are moved to the nearest one inside. It remembers which part of which row changed.
 */
export class Screen {
  readonly rows: number;
  #columns: number;
  #codes: Uint8Array;
  /** Foreground, background (4 bits each), underline (bit 8). */
  #looks: Uint16Array;
  #row = 0;
  #column = 0;
  /** The last column is written; the next character goes to the next row. */
  #wrapping = false;
  #top = 0;
  #bottom: number;
  #look = lookOf(PLAIN);
  readonly #changed: { from: number; to: number }[];
  #anyChanged = false;

  constructor(columns: number, rows: number) {
    this.rows = rows;
    this.#columns = columns;
    this.#bottom = rows - 1;
    this.#codes = new Uint8Array(columns * rows).fill(SPACE);
    this.#looks = new Uint16Array(columns * rows).fill(this.#look);
    this.#changed = Array.from({ length: rows }, () => ({ from: 0, to: columns }));
    this.#anyChanged = true;
  }

  get columns(): number {
    return this.#columns;
  }

  get cursor(): Position {
    return { row: this.#row, column: this.#column };
  }

  get changed(): boolean {
    return this.#anyChanged;
  }

  set rendition(rendition: Rendition) {
    this.#look = lookOf(rendition);
  }

  code(row: number, column: number): number {
    return this.#codes[row * this.#columns + column]!;
  }

  /** The colours of a cell, and whether it is underlined. */
  look(row: number, column: number): { foreground: number; background: number; underline: boolean } {
    const look = this.#looks[row * this.#columns + column]!;
    return { foreground: look & 0xf, background: (look >> 4) & 0xf, underline: (look & 0x100) !== 0 };
  }

  /** The characters of a row, without blanks at its end. */
  text(row: number): string {
    const start = row * this.#columns;
    return String.fromCharCode(...this.#codes.subarray(start, start + this.#columns)).trimEnd();
  }

  get state(): ScreenState {
    return {
      columns: this.#columns,
      row: this.#row,
      column: this.#column,
      wrapping: this.#wrapping,
      top: this.#top,
      bottom: this.#bottom,
      cells: this.#looks.map((look, at) => (look << CODE_BITS) | this.#codes[at]!),
    };
  }

  /** Shows what a screen of as many rows has shown. */
  restore({ columns, row, column, wrapping, top, bottom, cells }: ScreenState): void {
    this.resize(columns);
    this.#codes.set(cells.map((cell) => cell & ((1 << CODE_BITS) - 1)));
    this.#looks.set(cells.map((cell) => cell >> CODE_BITS));
    this.#top = top;
    this.#bottom = bottom;
    this.#goto(row, column);
    this.#wrapping = wrapping;
  }

  /** All of it has changed, for somebody who begins to look. */
  touchAll(): void {
    this.#touchRows(0, this.rows - 1);
  }

  /** The part of each row that changed since the last call, columns `from` up to but not including `to`. */
  takeChanges(): { readonly row: number; readonly from: number; readonly to: number }[] {
    this.#anyChanged = false;
    return this.#changed.flatMap((span, row) => {
      if (span.from === span.to) return [];
      const { from, to } = span;
      span.from = span.to = 0;
      return [{ row, from, to }];
    });
  }

  /** Empties the screen and gives it another width. */
  resize(columns: number): void {
    this.#columns = columns;
    this.#codes = new Uint8Array(columns * this.rows).fill(SPACE);
    this.#looks = new Uint16Array(columns * this.rows).fill(this.#look);
    // What had changed, and where the cursor was, may lie beyond the new width.
    for (const span of this.#changed) span.from = span.to = 0;
    this.#row = this.#column = 0;
    this.#touchRows(0, this.rows - 1);
    this.setScrollRegion(0, this.rows - 1);
  }

  print(code: number): void {
    if (this.#wrapping) {
      this.carriageReturn();
      this.lineFeed();
    }
    const at = this.#row * this.#columns + this.#column;
    this.#codes[at] = code;
    this.#looks[at] = this.#look;
    // The next cell changes as well: the cursor comes there.
    this.#touch(this.#row, this.#column, Math.min(this.#column + 2, this.#columns));
    if (this.#column < this.#columns - 1) this.#column++;
    else this.#wrapping = true;
  }

  /** One row down; at the end of the scroll region its contents move up. */
  lineFeed(): void {
    this.#wrapping = false;
    if (this.#row === this.#bottom) this.#scroll(this.#top, 1);
    else this.#goto(this.#row + 1, this.#column);
  }

  /** One row up; at the start of the scroll region its contents move down. */
  reverseLineFeed(): void {
    this.#wrapping = false;
    if (this.#row === this.#top) this.#scroll(this.#top, -1);
    else this.#goto(this.#row - 1, this.#column);
  }

  carriageReturn(): void {
    this.#goto(this.#row, 0);
  }

  backspace(): void {
    this.#goto(this.#row, this.#column - 1);
  }

  tab(): void {
    this.#goto(this.#row, (Math.floor(this.#column / TAB_WIDTH) + 1) * TAB_WIDTH);
  }

  moveTo(row: number, column: number): void {
    this.#goto(row, column);
  }

  /** The rows between `top` and `bottom` scroll from now on; the cursor goes home. */
  setScrollRegion(top: number, bottom: number): void {
    const last = Math.min(bottom, this.rows - 1);
    if (top >= last) return;
    this.#top = top;
    this.#bottom = last;
    this.#goto(0, 0);
  }

  /** Blanks the cells from one position up to, but not including, another. */
  erase(from: Position, to: Position): void {
    const start = from.row * this.#columns + from.column;
    const end = Math.min(to.row * this.#columns + to.column, this.#codes.length);
    if (start >= end) return;
    this.#blank(start, end);
    for (let row = from.row; row * this.#columns < end; row++) {
      this.#touch(
        row,
        row === from.row ? from.column : 0,
        Math.min(end - row * this.#columns, this.#columns),
      );
    }
  }

  /** Moves the rows from the cursor to the end of the region down (`count` above 0) or up, and blanks what comes free. */
  insertLines(count: number): void {
    if (this.#row < this.#top || this.#row > this.#bottom) return;
    this.#scroll(this.#row, -count);
    this.carriageReturn();
  }

  /** Moves the rest of the row right (`count` above 0) or left, and blanks what comes free. */
  insertCharacters(count: number): void {
    const start = this.#row * this.#columns + this.#column;
    const end = (this.#row + 1) * this.#columns;
    this.#wrapping = false;
    this.#shift(start, end, count);
    this.#touch(this.#row, this.#column, this.#columns);
  }

  /** Moves the rows from `first` to the end of the region up (`count` above 0) or down. */
  #scroll(first: number, count: number): void {
    this.#shift(first * this.#columns, (this.#bottom + 1) * this.#columns, -count * this.#columns);
    this.#touchRows(first, this.#bottom);
  }

  #shift(start: number, end: number, by: number): void {
    const distance = Math.min(Math.abs(by), end - start);
    for (const cells of [this.#codes, this.#looks]) {
      if (by > 0) cells.copyWithin(start + distance, start, end - distance);
      else cells.copyWithin(start, start + distance, end);
    }
    if (by > 0) this.#blank(start, start + distance);
    else this.#blank(end - distance, end);
  }

  #blank(start: number, end: number): void {
    this.#codes.fill(SPACE, start, end);
    // What is erased takes the background, but no underline.
    this.#looks.fill(this.#look & 0xff, start, end);
  }

  #goto(row: number, column: number): void {
    this.#wrapping = false;
    this.#touch(this.#row, this.#column, this.#column + 1);
    this.#row = Math.min(Math.max(row, 0), this.rows - 1);
    this.#column = Math.min(Math.max(column, 0), this.#columns - 1);
    this.#touch(this.#row, this.#column, this.#column + 1);
  }

  #touchRows(first: number, last: number): void {
    for (let row = first; row <= last; row++) this.#touch(row, 0, this.#columns);
  }

  #touch(row: number, from: number, to: number): void {
    const span = this.#changed[row]!;
    this.#anyChanged = true;
    if (span.from === span.to) {
      span.from = from;
      span.to = to;
      return;
    }
    if (from < span.from) span.from = from;
    if (to > span.to) span.to = to;
  }
}

function lookOf({ foreground, background, bold, underline, inverse }: Rendition): number {
  const front = bold ? foreground | 8 : foreground;
  const [ink, paper] = inverse ? [background, front] : [front, background];
  return ink | (paper << 4) | (underline ? 0x100 : 0);
}
