import type { DocumentationLines } from './lines.js';

/** What opens a literal block, on a line of its own. */
const literalMarker = /^(\.\. +qmp-example)? *::$/;
const onlyUrl = /^ *(https?|ftp):\/\/[^ ]*$/;
/** A full stop (or `e.g.`, or the number of a list item, both of which are fine) and one space before a capital. */
const sentence = /(\be\.g\.|^ *\d\.|([.!?])) [A-Z0-9(]/g;

/** Quick to rule out most lines. */
const possibleSentence = /[.!?] [A-Z0-9(]/;

/** The rules of style of QEMU 10.1 and later. Literal blocks and examples are exempt. */
export class StyleRules {
  #literal = false;
  #literalIndent = 0;

  check(lines: DocumentationLines): void {
    const { line } = lines;
    if (line === undefined) return;
    if (this.#inLiteral(line)) return;
    if (line.length + 2 > 70 && !onlyUrl.test(line)) {
      lines.error('documentation line longer than 70 characters');
    }
    if (!possibleSentence.test(line)) return;
    sentence.lastIndex = 0;
    for (let match = sentence.exec(line); match !== null; match = sentence.exec(line)) {
      if (match[2] === undefined) continue;
      const at = lines.start + 2 + match.index + match[0].length - 2;
      lines.error(
        'Use two spaces between sentences\nIf this not the end of a sentence, please report a bug.',
        at,
        at + 1,
      );
    }
  }

  /** A literal block is indented like its first indented line, and ends where less is. */
  #inLiteral(line: string): boolean {
    if (this.#literal && line !== '') {
      const indent = line.search(/\S/);
      if (this.#literalIndent === 0) this.#literalIndent = indent;
      else if (indent < this.#literalIndent) this.#literal = false;
    }
    if (this.#literal) return true;
    if (line.endsWith('::') && literalMarker.test(line)) {
      this.#literal = true;
      this.#literalIndent = 0;
    }
    return false;
  }
}
