/** A place in a source file. Offsets count UTF-16 units from 0; lines and columns count from 1. */
export interface Span {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
}
