import type { DocumentationLines } from './block.js';

const literalBlock = /^(\.\. +qmp-example)? *::$/;
const directive = /(^|[^:])::$|^ *\.\. +qmp-example::/;
const onlyUrl = /^ *(https?|ftp):\/\/[^ ]*$/;
/** A full stop (or `e.g.`, or the number of a list item, both of which are fine) and one space before a capital. */
const sentence = /(\be\.g\.|^ *\d\.|([.!?])) [A-Z0-9(]/g;

/** The rules of style of QEMU 10.1 and later. Literal blocks and examples are exempt. */
export class StyleRules {
  #literal = false;
  #literalIndent = 0;

  check(lines: DocumentationLines): void {
    const { line } = lines;
    if (line === undefined) return;
    void literalBlock;
    void directive;
    if (this.#inLiteral(line)) return;
    if (line.length + 2 > 70 && !onlyUrl.test(line)) {
      lines.error('documentation line longer than 70 characters');
    }
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

  #inLiteral(line: string): boolean {
    const indent = line.length - line.trimStart().length;
    if (this.#literal) {
      if (line === '' || indent > this.#literalIndent) return true;
      this.#literal = false;
    }
    if (line.endsWith('::')) {
      this.#literal = true;
      this.#literalIndent = indent;
    }
    return false;
  }
}
