const MAX_LINES = 64;

/** Lines that were typed before, the oldest first, each once; and the one that is being looked at. */
export class LineHistory {
  readonly #lines: string[] = [];
  /** Undefined while a new line is typed. */
  #at: number | undefined;

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Keeps a line as the latest. */
  add(line: string): void {
    if (line === '') return;
    this.#at = undefined;
    const known = this.#lines.indexOf(line);
    if (known >= 0) this.#lines.splice(known, 1);
    this.#lines.push(line);
    if (this.#lines.length > MAX_LINES) this.#lines.shift();
  }

  /** The line before; undefined where there is none. */
  older(): string | undefined {
    const at = (this.#at ?? this.#lines.length) - 1;
    if (at < 0) return undefined;
    this.#at = at;
    return this.#lines[at];
  }

  /** The line after, or an empty one after the last; undefined where none was looked at. */
  newer(): string | undefined {
    if (this.#at === undefined) return undefined;
    this.#at++;
    if (this.#at < this.#lines.length) return this.#lines[this.#at];
    this.#at = undefined;
    return '';
  }
}
