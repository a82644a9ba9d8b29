import type { Source } from '../language/source.js';
import type { Documentation, DocumentationSection } from '../schema/documentation.js';

export type SectionKind = DocumentationSection['kind'];

/** A section while it is being read. */
export interface SectionDraft {
  readonly kind: SectionKind;
  readonly name: string | undefined;
  readonly tag: string | undefined;
  readonly start: number;
  end: number;
  readonly lines: string[];
}

export function sectionDraft(kind: SectionKind, start: number, name?: string, tag?: string): SectionDraft {
  return { kind, name, tag, start, end: start, lines: [] };
}

/** A block once it is read: what the schema keeps, and where its sections were written. */
export interface DocumentationBlock {
  readonly documentation: Documentation;
  readonly start: number;
  readonly end: number;
}

/** Sections without their outer blank lines; the first plain one is the body. */
export function finishBlock(
  source: Source,
  symbol: string | undefined,
  start: number,
  end: number,
  drafts: readonly SectionDraft[],
): DocumentationBlock {
  const [body, ...rest] = drafts;
  return {
    documentation: {
      symbol,
      span: source.span(start, end),
      body: body === undefined ? '' : textOf(body),
      sections: rest.map((draft) => ({
        kind: draft.kind,
        name: draft.name,
        tag: draft.tag,
        text: textOf(draft),
        span: source.span(draft.start, draft.end),
      })),
    },
    start,
    end,
  };
}

export function textOf(draft: SectionDraft): string {
  const { lines } = draft;
  let first = 0;
  let last = lines.length;
  while (first < last && lines[first] === '') first++;
  while (last > first && lines[last - 1] === '') last--;
  return lines.slice(first, last).join('\n');
}
