/** What the demo needs of a stream that may be a terminal. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const COLOURS = { bold: '1', dim: '2', green: '32', red: '31', cyan: '36', yellow: '33' } as const;

export type Colour = keyof typeof COLOURS;

/** The narrowest terminal whose lines are changed in place. */
const MIN_COLUMNS = 72;

/** Lines for people: in colour and with lines that change in place on a terminal, plain and each once elsewhere. */
export class Screen {
  readonly live: boolean;
  readonly colour: boolean;
  readonly #output: Output;
  #liveLines = 0;

  /** @param environment of the process: NO_COLOR, TERM */
  constructor(output: Output, environment: Readonly<Record<string, string | undefined>>) {
    this.#output = output;
    const terminal = output.isTTY === true && environment.TERM !== 'dumb';
    // Lines that wrap could not be taken back.
    this.live = terminal && (output.columns ?? MIN_COLUMNS) >= MIN_COLUMNS;
    this.colour = terminal && (environment.NO_COLOR ?? '') === '';
  }

  /** Columns to draw in: those of the terminal, within what reads well. */
  get width(): number {
    return Math.max(MIN_COLUMNS, Math.min(this.#output.columns ?? 100, 120));
  }

  paint(text: string, colour: Colour): string {
    return this.colour ? `\u001b[${COLOURS[colour]}m${text}\u001b[0m` : text;
  }

  /** Lines that stay. Those that change in place, if any, give way. */
  print(...lines: readonly string[]): void {
    this.clear();
    for (const line of lines) this.#output.write(`${line}\n`);
  }

  /** Replaces the lines that change in place. Only where {@link live}. */
  update(lines: readonly string[]): void {
    this.clear();
    this.#output.write(lines.map((line) => `${line}\u001b[0K\n`).join(''));
    this.#liveLines = lines.length;
  }

  /** Takes back the lines that change in place. */
  clear(): void {
    if (this.#liveLines > 0) this.#output.write(`\u001b[${this.#liveLines}A\u001b[0J`);
    this.#liveLines = 0;
  }
}
