import type { Span } from '../language/span.js';

/** One documentation block, of either dialect, parsed. */
export interface Documentation {
  /** The definition that it documents; absent in a free-form block. */
  readonly symbol: string | undefined;
  readonly span: Span;
  readonly body: string;
  /** Sections of members, features and tags, in the order in which they were written. */
  readonly sections: readonly DocumentationSection[];
}

export interface DocumentationSection {
  readonly kind:
    | 'plain'
    | 'member'
    | 'feature'
    | 'returns'
    | 'errors'
    | 'since'
    | 'todo'
    | 'note'
    | 'example';
  /** The member's or feature's name. */
  readonly name: string | undefined;
  /** The tag as written, without its colon (`Returns`, `Notes`); absent for plain text, members and features. */
  readonly tag: string | undefined;
  readonly text: string;
  readonly span: Span;
}
