import type { Source } from '../language/source.js';
import type { Span } from '../language/span.js';
import type { Documentation, DocumentationSection } from '../schema/documentation.js';

export type SectionKind = DocumentationSection['kind'];

/** A section; what its text is depends on the dialect. */
export abstract class Section implements DocumentationSection {
  readonly kind: SectionKind;
  readonly name: string | undefined;
  readonly tag: string | undefined;
  readonly start: number;
  end: number;
  protected readonly source: Source;

  constructor(source: Source, kind: SectionKind, start: number, name?: string, tag?: string) {
    this.source = source;
    this.kind = kind;
    this.start = start;
    this.end = start;
    this.name = name;
    this.tag = tag;
  }

  /** Without the outer blank lines. */
  abstract get text(): string;

  /** There is no text at all. */
  abstract get empty(): boolean;

  get span(): Span {
    return this.source.span(this.start, this.end);
  }
}

/** A documentation block: an optional symbol and sections, the first of which is the body. */
export class DocumentationBlock implements Documentation {
  readonly symbol: string | undefined;
  readonly start: number;
  readonly end: number;
  readonly sections: readonly Section[];
  readonly #body: Section;
  readonly #source: Source;

  constructor(
    source: Source,
    symbol: string | undefined,
    start: number,
    end: number,
    [body, ...sections]: readonly [Section, ...Section[]],
  ) {
    this.#source = source;
    this.symbol = symbol;
    this.start = start;
    this.end = end;
    this.#body = body;
    this.sections = sections;
  }

  get body(): string {
    return this.#body.text;
  }

  get span(): Span {
    return this.#source.span(this.start, this.end);
  }
}
