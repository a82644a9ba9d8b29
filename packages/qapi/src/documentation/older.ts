import type { Source } from '../language/source.js';
import type { DocumentationLines } from './lines.js';
import { DocumentationBlock, Section, type SectionKind } from './section.js';

const tagKinds: Readonly<Record<string, SectionKind>> = {
  'Returns:': 'returns',
  'Since:': 'since',
  'Note:': 'note',
  'Notes:': 'note',
  'Example:': 'example',
  'Examples:': 'example',
  'TODO:': 'todo',
};

/** Only one section may have each of these tags. */
const singleTags = ['Returns', 'Since'];

const misplacedDescription = /^@\S+:/;

/** A section whose lines are indented like the text that follows its name, if there is any. */
class IndentedSection extends Section {
  readonly indent: number;
  readonly lines: string[] = [];

  constructor(source: Source, kind: SectionKind, start: number, indent = 0, name?: string, tag?: string) {
    super(source, kind, start, name, tag);
    this.indent = indent;
  }

  override get text(): string {
    return this.lines.join('\n').trim();
  }

  override get empty(): boolean {
    return this.lines.every((line) => line === '');
  }

  /** As QEMU sees it: a first line of text, or none, then an empty one. */
  get endsWithBlankLine(): boolean {
    return this.lines.length > 1 && this.lines.at(-1) === '';
  }
}

/**
 * Reads a block in the dialect of QEMU 7.2: what a line means is told by its first word and by the part
 * (`body`, `members`, `features` or `tagged`) in which it stands.
 */
export class OlderDocumentation {
  readonly #lines: DocumentationLines;
  readonly #start: number;
  #part: 'body' | 'members' | 'features' | 'tagged' = 'body';
  #section: IndentedSection;
  #sections: [IndentedSection, ...IndentedSection[]];
  #symbol: string | undefined;
  readonly #names: Record<'member' | 'feature', Set<string>> = { member: new Set(), feature: new Set() };

  constructor(lines: DocumentationLines, start: number) {
    this.#lines = lines;
    this.#start = start;
    this.#section = new IndentedSection(lines.source, 'plain', start);
    this.#sections = [this.#section];
  }

  /** One block, or several free-form ones: each heading begins a block of its own. */
  read(): DocumentationBlock[] {
    const lines = this.#lines;
    const blocks: DocumentationBlock[] = [];
    if (lines.line?.startsWith('@')) {
      this.#symbol = this.#readSymbol(lines.line);
      lines.advance();
    }
    for (; lines.line !== undefined; lines.advance()) {
      const { line }: { line: string } = lines as { line: string };
      if (line.startsWith('=')) {
        if (this.#symbol !== undefined) lines.error("unexpected '=' markup in definition documentation");
        else if (this.#section.lines.length > 0) blocks.push(this.#finish());
      }
      if (this.#symbol === undefined) this.#append(line);
      else this.#definition(line);
    }
    this.#endSection();
    blocks.push(this.#finish());
    return blocks;
  }

  #finish(): DocumentationBlock {
    const { source, start, end } = this.#lines;
    const block = new DocumentationBlock(source, this.#symbol, this.#start, end, this.#sections);
    this.#section = new IndentedSection(source, 'plain', start);
    this.#sections = [this.#section];
    return block;
  }

  #readSymbol(line: string): string {
    const name = line.replace(/:$/, '').slice(1);
    if (!line.endsWith(':')) this.#lines.error("line should end with ':'");
    else if (name === '') this.#lines.error("name required after '@'");
    return name;
  }

  #definition(line: string): void {
    const space = line.indexOf(' ');
    const word = space === -1 ? line : line.slice(0, space);
    if (word.startsWith('@') && word.endsWith(':')) this.#described(word, line);
    else if (Object.hasOwn(tagKinds, word)) this.#tagged(word, line);
    else if (this.#part === 'body' && line === 'Features:') this.#part = 'features';
    else if (this.#endsDescriptions(line)) {
      if (this.#part === 'members' && line === 'Features:') {
        this.#part = 'features';
        return;
      }
      this.#open(new IndentedSection(this.#lines.source, 'plain', this.#lines.start));
      this.#part = 'tagged';
      this.#append(line);
    } else {
      this.#append(line);
    }
  }

  /** After a blank line, text that is not indented belongs to no member or feature any more. */
  #endsDescriptions(line: string): boolean {
    if (this.#part !== 'members' && this.#part !== 'features') return false;
    return this.#section.endsWithBlankLine && /^\S/.test(line);
  }

  #described(word: string, line: string): void {
    if (this.#part === 'tagged') {
      this.#lines.error(`'${word}' can't follow '${this.#firstTag() ?? 'None'}' section`);
      return;
    }
    if (this.#part === 'body') this.#part = 'members';
    const name = word.slice(1, -1);
    const kind = this.#part === 'features' ? 'feature' : 'member';
    if (name === '') this.#lines.error('invalid parameter name');
    else if (this.#names[kind].has(name)) this.#lines.error(`'${name}' parameter name duplicated`);
    this.#names[kind].add(name);
    this.#openNamed(kind, word, line, name);
  }

  /** The tag of the first section that is not a description. */
  #firstTag(): string | undefined {
    return this.#sections.slice(1).find(({ kind }) => kind !== 'member' && kind !== 'feature')?.tag;
  }

  #tagged(word: string, line: string): void {
    const tag = word.slice(0, -1);
    this.#part = 'tagged';
    if (singleTags.includes(tag) && this.#sections.some((section) => section.tag === tag)) {
      this.#lines.error(`duplicated '${tag}' section`);
    }
    this.#openNamed(tagKinds[word]!, word, line, undefined, tag);
  }

  #openNamed(kind: SectionKind, word: string, line: string, name?: string, tag?: string): void {
    const { source, start } = this.#lines;
    const text = line.slice(word.length).trim();
    const indent = text === '' ? 0 : line.indexOf(text, word.length);
    const section = new IndentedSection(source, kind, start, indent, name, tag);
    this.#open(section);
    section.lines.push(text);
    section.end = this.#lines.end;
  }

  #open(section: IndentedSection): void {
    this.#endSection();
    this.#section = section;
    this.#sections.push(section);
  }

  /** What has a name needs text. */
  #endSection(): void {
    const { name, tag, empty } = this.#section;
    const title = name ?? tag;
    if (title !== undefined && title !== '' && empty) this.#lines.error(`empty doc section '${title}'`);
  }

  #append(line: string): void {
    const section = this.#section;
    const misplaced = line.startsWith('@') ? misplacedDescription.exec(line) : null;
    if (misplaced !== null) this.#lines.error(`'${misplaced[0]}' not allowed in free-form documentation`);
    if (line === '') {
      section.lines.push('');
      return;
    }
    const indent = line.length - line.trimStart().length;
    if (indent < section.indent) {
      this.#lines.error(`unexpected de-indent (expected at least ${section.indent} spaces)`);
    }
    section.lines.push(line.slice(Math.min(indent, section.indent)).trimEnd());
    section.end = this.#lines.end;
  }
}
