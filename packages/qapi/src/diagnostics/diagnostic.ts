import type { Source } from '../language/source.js';
import type { Span } from '../language/span.js';
import { Suggestions } from './suggest.js';

/** A replacement of text that makes an error go away. */
export interface Fix {
  /** What it does, as an imperative: `write 'str'`. */
  readonly title: string;
  readonly span: Span;
  readonly text: string;
}

/** A second place that matters, such as an earlier definition of the same name. */
export interface RelatedPlace {
  readonly message: string;
  readonly span: Span;
}

/** One error in a schema. */
export interface Diagnostic {
  /** The rule that was broken, in words joined by hyphens. */
  readonly rule: string;
  /** QEMU's text; may have more than one line. */
  readonly message: string;
  /** What is wrong, as exactly as it is known; absent when the schema file could not be read. */
  readonly span: Span | undefined;
  readonly source: Source | undefined;
  /** The definition in which the error is. */
  readonly definition: DefinitionName | undefined;
  /** Where QEMU says that the error is; a column only for errors of syntax. */
  readonly reported: ReportedPlace | undefined;
  readonly related: RelatedPlace | undefined;
  readonly fix: Fix | undefined;
}

export interface DefinitionName {
  /** `struct`, `command` and so on. */
  readonly kind: string;
  readonly name: string;
}

export interface ReportedPlace {
  readonly line: number;
  readonly column: number | undefined;
}

/** What a rule says of an error, but for the place where it was found. */
export interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly related?: RelatedPlace | undefined;
  readonly fix?: Fix | undefined;
}

/** Collects diagnostics in the order in which QEMU would meet them, up to a limit. */
export class DiagnosticList {
  readonly items: Diagnostic[] = [];
  readonly suggestions = new Suggestions();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** True when no more are taken, so that there is no use in looking further. */
  get full(): boolean {
    return this.items.length >= this.#limit;
  }

  add(finding: Finding, place: Omit<Diagnostic, keyof Finding>): void {
    if (this.full) return;
    const { rule, message, related, fix } = finding;
    this.items.push({ rule, message, related, fix, ...place });
  }
}
