import type { Colour, Display, DisplayListener, Rectangle } from './display.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRow } from './font.js';
import { BLUE, BRIGHT, PALETTE, WHITE } from './palette.js';
import { Screen } from './screen.js';
import { Terminal } from './terminal.js';

const COLUMNS = 80;
/** Rows of the guest's text; the last of the 25 rows is the status line. */
const ROWS = 24;
const UNDERLINE_ROW = 14;

const STATUS_INK = WHITE | BRIGHT;
const STATUS_PAPER = BLUE;

/**
 * The picture of a text terminal: 80 columns (132 where the guest asks for them), 24 rows for the guest and a status line
 * below them, drawn in cells of 8 by 16 pixels.
 */
export class TextConsole implements Display {
  readonly palette: readonly Colour[] = PALETTE;
  readonly #screen = new Screen(COLUMNS, ROWS);
  readonly #terminal = new Terminal(this.#screen);
  readonly #listeners = new Set<DisplayListener>();
  #pixels: Uint8Array;
  #status = '';
  #statusChanged = true;
  /** Where the cursor is drawn now. */
  #drawnCursor: { readonly row: number; readonly column: number } | undefined;
  #stale = true;

  constructor() {
    this.#pixels = new Uint8Array(this.width * this.height);
  }

  get width(): number {
    return this.#screen.columns * GLYPH_WIDTH;
  }

  get height(): number {
    return (ROWS + 1) * GLYPH_HEIGHT;
  }

  get pixels(): Uint8Array {
    return this.#pixels;
  }

  /** The rows as text, without blanks at their ends; the status line is the last one. */
  text(): string[] {
    return [...Array.from({ length: ROWS }, (_, row) => this.#screen.text(row)), this.#status.trimEnd()];
  }

  /** Shows what the guest writes. */
  write(bytes: Uint8Array): void {
    this.#terminal.write(bytes);
    if (this.#screen.changed) this.#announce();
  }

  /** Replaces the status line; what does not fit is cut off. */
  setStatus(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#statusChanged = true;
    this.#announce();
  }

  /** An empty screen, as at power-on. */
  reset(): void {
    this.#terminal.reset();
    this.#announce();
  }

  watch(listener: DisplayListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    const resized = this.#pixels.length !== this.width * this.height;
    if (resized) {
      this.#pixels = new Uint8Array(this.width * this.height);
      this.#statusChanged = true;
    }
    const areas = this.#drawChanges();
    for (const listener of this.#listeners) {
      if (resized) listener.resized();
      else for (const area of areas) listener.drawn(area);
    }
  }

  #announce(): void {
    this.#stale = true;
    for (const listener of this.#listeners) listener.stale();
  }

  #drawChanges(): Rectangle[] {
    const screen = this.#screen;
    const cursor = this.#terminal.cursorVisible ? screen.cursor : undefined;
    // The cells that the cursor leaves and comes to are marked by the screen.
    this.#drawnCursor = cursor;
    const areas = screen.takeChanges().map(({ row, from, to }) => {
      for (let column = from; column < to; column++) this.#drawCell(row, column);
      return {
        x: from * GLYPH_WIDTH,
        y: row * GLYPH_HEIGHT,
        width: (to - from) * GLYPH_WIDTH,
        height: GLYPH_HEIGHT,
      };
    });
    if (this.#statusChanged) {
      this.#statusChanged = false;
      for (let column = 0; column < screen.columns; column++) {
        this.#drawGlyph(ROWS, column, this.#status.charCodeAt(column) || 0x20, STATUS_INK, STATUS_PAPER);
      }
      areas.push({ x: 0, y: ROWS * GLYPH_HEIGHT, width: this.width, height: GLYPH_HEIGHT });
    }
    return areas;
  }

  #drawCell(row: number, column: number): void {
    const { foreground, background, underline } = this.#screen.look(row, column);
    const cursor = this.#drawnCursor;
    const inverse = cursor?.row === row && cursor.column === column;
    const [ink, paper] = inverse ? [background, foreground] : [foreground, background];
    this.#drawGlyph(row, column, this.#screen.code(row, column), ink, paper);
    if (!underline) return;
    const at = (row * GLYPH_HEIGHT + UNDERLINE_ROW) * this.width + column * GLYPH_WIDTH;
    this.#pixels.fill(ink, at, at + GLYPH_WIDTH);
  }

  #drawGlyph(row: number, column: number, code: number, ink: number, paper: number): void {
    const { width } = this;
    for (let y = 0; y < GLYPH_HEIGHT; y++) {
      const bits = glyphRow(code, y);
      const at = (row * GLYPH_HEIGHT + y) * width + column * GLYPH_WIDTH;
      for (let x = 0; x < GLYPH_WIDTH; x++) {
        this.#pixels[at + x] = (bits & (0x80 >> x)) === 0 ? paper : ink;
      }
    }
  }
}
