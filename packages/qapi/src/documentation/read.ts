import type { Dialect } from '../language/dialect.js';
import type { SyntaxErrorHandler } from '../language/lexer.js';
import type { Source } from '../language/source.js';
import { DocumentationLines } from './lines.js';
import { NewerDocumentation } from './newer.js';
import { OlderDocumentation } from './older.js';
import type { DocumentationBlock } from './section.js';

/** What became of a `##` in a source. */
export interface ReadDocumentation {
  readonly blocks: readonly DocumentationBlock[];
  /** Where the source goes on. */
  readonly end: number;
}

export interface DocumentationErrorHandlers {
  syntax: SyntaxErrorHandler;
  /** Takes errors that QEMU reports for a line, without a column. */
  line: (message: string, start: number, end: number) => void;
}

/** Reads the documentation block that opens at `start`. */
export function readDocumentation(
  source: Source,
  start: number,
  dialect: Dialect,
  onError: DocumentationErrorHandlers,
): ReadDocumentation {
  const newer = dialect.documentation === 'newer';
  const lines = new DocumentationLines(source, start, onError.syntax, newer);
  const blocks = newer
    ? [new NewerDocumentation(lines, start, dialect, onError.line).read()]
    : new OlderDocumentation(lines, start).read();
  return { blocks, end: lines.end };
}
