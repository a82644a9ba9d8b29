import { Lexer, type SyntaxErrorHandler } from '../language/lexer.js';
import type { Source } from '../language/source.js';

const hash = 0x23;

/** The lines of one documentation block, read one at a time. */
export class DocumentationLines {
  readonly source: Source;
  /** The current line without its `# `; undefined behind the last. */
  line: string | undefined;
  /** The offset of the current line's `#`. */
  start: number;
  /** Where to go on when the block is over. */
  end = 0;
  readonly #onError: SyntaxErrorHandler;
  readonly #trim: boolean;

  /** `start` is the offset of the opening `##`; `trim` says whether white space at the end of a line counts. */
  constructor(source: Source, start: number, onError: SyntaxErrorHandler, trim: boolean) {
    this.#trim = trim;
    this.source = source;
    this.start = start;
    this.#onError = onError;
    const end = source.text.indexOf('\n', start);
    if (end !== start + 2) this.error("junk after '##' at start of documentation comment", start, end);
    this.end = end;
    this.advance();
  }

  error(
    message: string,
    start = this.start,
    end = this.start + 2 + (this.line?.length ?? 0),
    at?: number,
  ): void {
    this.#onError(message, start, Math.max(end, start), at);
  }

  advance(): void {
    const { text } = this.source;
    const start = skipWhiteSpace(text, this.end);
    this.line = undefined;
    this.start = start;
    if (text.charCodeAt(start) !== hash) {
      this.end = start;
      if (!startsWithError(this.source, start)) {
        this.error("documentation comment must end with '##'", start, start);
      }
      return;
    }
    const end = text.indexOf('\n', start);
    this.end = end;
    if (text.charCodeAt(start + 1) === hash) {
      if (end !== start + 2) this.error("junk after '##' at end of documentation comment", start, end);
      return;
    }
    if (end === start + 1) {
      this.line = '';
      return;
    }
    const spaced = text.charCodeAt(start + 1) === 0x20;
    const line = text.slice(start + (spaced ? 2 : 1), end);
    this.line = this.#trim ? line.trimEnd() : line;
    if (!spaced) this.error('missing space after #', start, end);
  }

  /** Passes the rest of the block. */
  skip(): void {
    while (this.line !== undefined) this.advance();
  }
}

/**
 * The lines of a block between two offsets, without their `# ` and the white space at their end. `start` lies
 * within its line, behind the `# `.
 */
export function* linesBetween({ text }: Source, start: number, end: number): Generator<string> {
  for (let at = start; ; ) {
    const lineEnd = text.indexOf('\n', at);
    yield text.slice(at, lineEnd).trimEnd();
    const next = skipWhiteSpace(text, lineEnd);
    if (next >= end) return;
    // An empty line is a lone `#`.
    at = Math.min(next + 2, text.indexOf('\n', next));
  }
}

function skipWhiteSpace(text: string, start: number): number {
  let at = start;
  // The last newline stands for the end of the file.
  const last = text.length - 1;
  while (at < last && (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r')) at++;
  return at;
}

/** An error of syntax where a block should have ended comes first, and is met again when the source goes on. */
function startsWithError(source: Source, start: number): boolean {
  let found = false;
  const lexer = new Lexer(source, () => {
    found = true;
  });
  lexer.moveTo(start);
  return found;
}
