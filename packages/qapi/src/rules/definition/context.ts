import type { DefinitionName, DiagnosticList, Fix, RelatedPlace } from '../../diagnostics/diagnostic.js';
import { printAt } from '../../diagnostics/print-as-qemu.js';
import type { Located } from '../../language/ast.js';
import type { Dialect } from '../../language/dialect.js';
import type { Pragma } from '../../language/pragma.js';
import type { Source } from '../../language/source.js';
import type { Span } from '../../language/span.js';

/** What the rules for one definition need to know, and where they report. */
export class DefinitionContext {
  readonly source: Source;
  readonly pragma: Pragma;
  readonly dialect: Dialect;
  /** Set as soon as the definition's kind and name are known. */
  definition: DefinitionName | undefined;
  /** True once an error was reported. */
  failed = false;
  readonly #line: number;
  readonly #diagnostics: DiagnosticList;

  constructor(source: Source, whole: Located, pragma: Pragma, dialect: Dialect, diagnostics: DiagnosticList) {
    this.source = source;
    this.pragma = pragma;
    this.dialect = dialect;
    this.#line = source.position(whole.start).line;
    this.#diagnostics = diagnostics;
  }

  /** Reports an error at `at`, which QEMU sees in the definition as a whole. */
  report(
    rule: string,
    message: string,
    at: Located,
    more: { readonly fix?: Fix | undefined; readonly related?: RelatedPlace | undefined } = {},
  ): void {
    this.failed = true;
    this.#diagnostics.add(
      { rule, message, ...more },
      {
        source: this.source,
        span: this.source.span(at.start, at.end),
        definition: this.definition,
        reported: { line: this.#line, column: undefined },
      },
    );
  }

  /** Reports an error of the definition's documentation, which QEMU sees at the line `reportedAt` of the source. */
  reportDocumentation(rule: string, message: string, span: Span, reportedAt: Span = span): void {
    this.failed = true;
    this.#diagnostics.add(
      { rule, message },
      {
        source: this.source,
        span,
        definition: undefined,
        reported: { line: reportedAt.line, column: undefined },
      },
    );
  }

  /** The candidate that was most probably meant by a name that is not known. */
  suggest(name: string, candidates: Iterable<string>): string | undefined {
    return this.#diagnostics.full ? undefined : this.#diagnostics.suggestions.find(name, candidates);
  }

  /** A message about this definition, for use within one about another. */
  note(message: string): string {
    return printAt(this.source, this.definition, { line: this.#line, column: undefined }, message);
  }

  /** A fix that replaces what stands between quotes. */
  replaceString(at: Located, text: string): Fix {
    return { title: `write '${text}'`, span: this.source.span(at.start + 1, at.end - 1), text };
  }
}
