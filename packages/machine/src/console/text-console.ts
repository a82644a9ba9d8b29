import type { Colour, Display, DisplayListener, Rectangle } from './display.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRow } from './font.js';
import { BLUE, BRIGHT, PALETTE, WHITE } from './palette.js';
import type { Screen } from './screen.js';
import type { Terminal } from './terminal.js';

const UNDERLINE_ROW = 14;

const STATUS_INK = WHITE | BRIGHT;
const STATUS_PAPER = BLUE;

/** The picture of a text terminal: its rows and a status line below them, drawn in cells of 8 by 16 pixels. */
export class TextConsole implements Display {
  readonly palette: readonly Colour[] = PALETTE;
  readonly #terminal: Terminal;
  readonly #screen: Screen;
  readonly #unwatch: () => void;
  readonly #listeners = new Set<DisplayListener>();
  #pixels: Uint8Array;
  #status = '';
  #statusChanged = true;
  /** Where the cursor is drawn now. */
  #drawnCursor: { readonly row: number; readonly column: number } | undefined;
  #stale = true;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#screen = terminal.screen;
    this.#screen.touchAll();
    this.#unwatch = terminal.watch(() => this.#announce());
    this.#pixels = new Uint8Array(this.width * this.height);
  }

  get width(): number {
    return this.#screen.columns * GLYPH_WIDTH;
  }

  get height(): number {
    return (this.#screen.rows + 1) * GLYPH_HEIGHT;
  }

  get pixels(): Uint8Array {
    return this.#pixels;
  }

  /** The rows as text, without blanks at their ends; the status line is the last one. */
  text(): string[] {
    const { rows } = this.#screen;
    return [...Array.from({ length: rows }, (_, row) => this.#screen.text(row)), this.#status.trimEnd()];
  }

  /** Replaces the status line; what does not fit is cut off. */
  setStatus(text: string): void {
    if (text === this.#status) return;
    this.#status = text;
    this.#statusChanged = true;
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

  /** Follows the terminal no more. */
  close(): void {
    this.#unwatch();
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
        this.#drawGlyph(
          screen.rows,
          column,
          this.#status.charCodeAt(column) || 0x20,
          STATUS_INK,
          STATUS_PAPER,
        );
      }
      areas.push({ x: 0, y: screen.rows * GLYPH_HEIGHT, width: this.width, height: GLYPH_HEIGHT });
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
