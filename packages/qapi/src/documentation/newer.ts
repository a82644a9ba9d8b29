import type { Dialect } from '../language/dialect.js';
import { type DocumentationLines, linesBetween } from './lines.js';
import { DocumentationBlock, Section, type SectionKind } from './section.js';
import { StyleRules } from './style.js';

const description = /^@([^:]*): */;
const tagged = /^(Returns|Errors|Since|Notes?|Examples?|TODO)(?!::): */;

const tagKinds: Readonly<Record<string, SectionKind>> = {
  Returns: 'returns',
  Errors: 'errors',
  Since: 'since',
  TODO: 'todo',
};

/** Tags that older dialects had, with what takes their place. */
const formerTags: Readonly<Record<string, string>> = {
  Note: "rST's '.. note::' or '.. admonition:: notes' directives, or another suitable admonition instead.",
  Example: "the '.. qmp-example::' directive, or other suitable markup instead.",
};

/** A section that remembers where its text is, and puts it together when it is asked for. */
class TextSection extends Section {
  /** Several blank lines count as one. */
  collapses = false;
  #first: number | undefined;

  /** Takes text that goes from `start`, behind the `# ` of a line, to the end of the line at `end`. */
  extend(start: number, end: number): void {
    this.#first ??= start;
    this.end = end;
  }

  override get text(): string {
    if (this.#first === undefined) return '';
    const lines: string[] = [];
    for (const line of linesBetween(this.source, this.#first, this.end)) {
      if (line !== '' || !this.collapses || lines.at(-1) !== '') lines.push(line);
    }
    return lines.join('\n');
  }

  override get empty(): boolean {
    return this.#first === undefined;
  }
}

/** Reads a block in the dialect of QEMU 9.0 and later: sections are paragraphs told apart by their first line. */
export class NewerDocumentation {
  readonly #lines: DocumentationLines;
  readonly #dialect: Dialect;
  readonly #style: StyleRules | undefined;
  readonly #reportLine: (message: string, start: number, end: number) => void;
  readonly #sections: [TextSection, ...TextSection[]];
  #section: TextSection;
  /** Members are only described in front of all sections but the body. */
  #descriptionsOver = false;
  readonly #names: Record<'member' | 'feature', Set<string>> = { member: new Set(), feature: new Set() };
  readonly #start: number;

  /** `reportLine` takes errors that QEMU reports for a line, without a column. */
  constructor(
    lines: DocumentationLines,
    start: number,
    dialect: Dialect,
    reportLine: (message: string, start: number, end: number) => void,
  ) {
    this.#lines = lines;
    this.#start = start;
    this.#dialect = dialect;
    this.#reportLine = reportLine;
    this.#style = dialect.documentationStyle ? new StyleRules() : undefined;
    this.#section = new TextSection(lines.source, 'plain', start);
    this.#sections = [this.#section];
  }

  read(): DocumentationBlock {
    this.#style?.check(this.#lines);
    const symbol = this.#symbol();
    if (symbol === undefined) this.#freeForm();
    else this.#definition();
    for (const section of this.#sections) {
      if (section.kind !== 'plain' && section.empty) {
        const kind = section.kind.charAt(0).toUpperCase() + section.kind.slice(1);
        this.#reportLine(`text required after '${kind}:'`, section.start, section.end);
      }
    }
    return new DocumentationBlock(this.#lines.source, symbol, this.#start, this.#lines.end, this.#sections);
  }

  #advance(): void {
    this.#lines.advance();
    if (this.#lines.line !== undefined) this.#style?.check(this.#lines);
  }

  #symbol(): string | undefined {
    const { line } = this.#lines;
    if (line === undefined || !line.startsWith('@')) return undefined;
    const name = line.replace(/:$/, '').slice(1);
    if (!line.endsWith(':')) this.#lines.error("line should end with ':'");
    else if (name === '') this.#lines.error("name required after '@'");
    this.#advance();
    return name;
  }

  #freeForm(): void {
    let first = true;
    for (; this.#lines.line !== undefined; this.#advance()) {
      const { line } = this.#lines;
      const match = line.startsWith('@') ? description.exec(line) : null;
      if (match !== null) this.#lines.error(`'@${match[1]}:' not allowed in free-form documentation`);
      if (line.startsWith('=') && !first && this.#dialect.headings === 'first') {
        this.#lines.error("'=' heading must come first in a comment block");
      }
      this.#append();
      first = false;
    }
  }

  #definition(): void {
    const lines = this.#lines;
    let featuresSeen = false;
    while (lines.line !== undefined) {
      const { line } = lines;
      if (line === '') {
        this.#advance();
      } else if (line === 'Features:') {
        if (featuresSeen) lines.error("duplicated 'Features:' line");
        featuresSeen = true;
        this.#descriptionsOver = true;
        this.#features();
      } else if (line.startsWith('@') && description.test(line)) {
        if (this.#descriptionsOver) {
          lines.error(`description of '@${description.exec(line)![1]}:' follows a section`);
        }
        this.#described('member');
      } else if (tagged.test(line)) {
        this.#descriptionsOver = true;
        this.#tagged(tagged.exec(line)!);
      } else {
        this.#paragraph();
      }
    }
  }

  #features(): void {
    this.#advance();
    while (this.#lines.line === '') this.#advance();
    const { line } = this.#lines;
    if (line === undefined || !(line.startsWith('@') && description.test(line))) {
      this.#lines.error('feature descriptions expected');
      return;
    }
    this.#described('feature');
  }

  /** Descriptions that follow each other, `@name: text` with indented lines below. */
  #described(kind: 'member' | 'feature'): void {
    const lines = this.#lines;
    for (;;) {
      const match = lines.line?.startsWith('@') ? description.exec(lines.line) : null;
      if (match == null) return;
      const name = match[1]!;
      if (name === '') this.#reportHere('invalid parameter name');
      else if (this.#names[kind].has(name)) this.#reportHere(`'${name}' parameter name duplicated`);
      this.#names[kind].add(name);
      this.#open(kind, name);
      this.#indented(match[0].length);
    }
  }

  #tagged(match: RegExpExecArray): void {
    const lines = this.#lines;
    const tag = match[1]!;
    const former = formerTags[tag.replace(/s$/, '')];
    if (former !== undefined && tag !== 'Returns') {
      lines.error(`The '${tag}' section is no longer supported. Please use ${former}`);
    }
    const kind = tagKinds[tag] ?? (tag.startsWith('Note') ? 'note' : 'example');
    if (kind !== 'todo' && this.#sections.some((section) => section.tag === tag)) {
      this.#reportHere(`duplicated '${tag}' section`);
    }
    this.#open(kind, undefined, tag);
    this.#indented(match[0].length);
  }

  /** What follows the first `offset` characters of the line, then the lines that are indented like the first of them. */
  #indented(offset: number): void {
    const lines = this.#lines;
    if (lines.line!.length > offset) this.#append(offset);
    this.#advance();
    while (lines.line === '') this.#advance();
    if (lines.line === undefined) return;
    const indent = indentOf(lines.line);
    if (indent === 0) return;
    for (let count = 0; lines.line !== undefined; this.#advance(), count++) {
      const { line }: { line: string } = lines as { line: string };
      if (line.startsWith('@') && description.test(line)) return;
      if (line !== '' && indentOf(line) < indent) {
        // QEMU lets it pass further down, where the text goes on as a plain section.
        if (count !== 1) return;
        lines.error(`unexpected de-indent (expected at least ${indent} spaces)`);
      }
      this.#append();
    }
  }

  #paragraph(): void {
    const lines = this.#lines;
    if (this.#section.kind !== 'plain') {
      this.#open('plain');
      this.#descriptionsOver = true;
    }
    this.#section.collapses = true;
    if (lines.line?.startsWith('=') && this.#dialect.headings === 'first') {
      lines.error("unexpected '=' markup in definition documentation");
    }
    for (; lines.line !== undefined && lines.line !== ''; this.#advance()) this.#append();
  }

  #open(kind: SectionKind, name?: string, tag?: string): void {
    const { source, start, end } = this.#lines;
    this.#section = new TextSection(source, kind, start, name, tag);
    this.#section.end = end;
    this.#sections.push(this.#section);
  }

  /** Adds the current line, or what follows its first `offset` characters, to the current section. */
  #append(offset = 0): void {
    const { line, start, end } = this.#lines;
    if (line !== '') this.#section.extend(start + 2 + offset, end);
  }

  #reportHere(message: string): void {
    this.#reportLine(message, this.#lines.start, this.#lines.end);
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line.charCodeAt(indent) === 0x20 || line.charCodeAt(indent) === 0x09) indent++;
  return indent;
}
