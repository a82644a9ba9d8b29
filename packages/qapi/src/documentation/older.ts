import type { DocumentationLines } from './block.js';
import {
  type DocumentationBlock,
  finishBlock,
  type SectionDraft,
  type SectionKind,
  sectionDraft,
  textOf,
} from './draft.js';

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

const freeFormDescription = /^@\S+:/;

/** A section whose indentation is fixed by its first line of text; undefined until then, null for none. */
interface IndentedDraft extends SectionDraft {
  indent: number | undefined;
}

/**
 * Reads a block in the dialect of QEMU 7.2: what a line means is told by its first word and by the part
 * (`body`, `members`, `features` or `tagged`) in which it stands.
 */
export class OlderDocumentation {
  readonly #lines: DocumentationLines;
  readonly #start: number;
  #part: 'body' | 'members' | 'features' | 'tagged' = 'body';
  #section: IndentedDraft;
  #sections: IndentedDraft[];
  #symbol: string | undefined;
  readonly #names: Record<'member' | 'feature', Set<string>> = { member: new Set(), feature: new Set() };

  constructor(lines: DocumentationLines, start: number) {
    this.#lines = lines;
    this.#start = start;
    this.#section = { ...sectionDraft('plain', start), indent: 0 };
    this.#sections = [this.#section];
  }

  /** One block, or several free-form ones: each heading begins a block of its own. */
  read(): DocumentationBlock[] {
    const lines = this.#lines;
    const blocks: DocumentationBlock[] = [];
    let { line } = lines;
    if (line?.startsWith('@')) {
      this.#symbol = this.#readSymbol(line);
      lines.advance();
      line = lines.line;
    }
    for (; line !== undefined; lines.advance(), line = lines.line) {
      if (line.startsWith('=')) {
        if (this.#symbol !== undefined) lines.error("unexpected '=' markup in definition documentation");
        else if (this.#section.lines.some((text) => text !== '')) blocks.push(this.#finish());
      }
      if (this.#symbol === undefined) this.#freeForm(line);
      else this.#definition(line);
    }
    this.#endSection();
    blocks.push(this.#finish());
    return blocks;
  }

  #finish(): DocumentationBlock {
    const block = finishBlock(this.#lines.source, this.#symbol, this.#start, this.#lines.end, this.#sections);
    this.#section = { ...sectionDraft('plain', this.#lines.start), indent: 0 };
    this.#sections = [this.#section];
    return block;
  }

  #readSymbol(line: string): string {
    const name = line.replace(/:$/, '').slice(1);
    if (!line.endsWith(':')) this.#lines.error("line should end with ':'");
    else if (name === '') this.#lines.error("name required after '@'");
    return name;
  }

  #freeForm(line: string): void {
    if (this.#part !== 'tagged' && freeFormDescription.test(line)) {
      const word = freeFormDescription.exec(line)![0];
      this.#lines.error(`'${word}' not allowed in free-form documentation`);
    }
    this.#append(line);
  }

  #definition(line: string): void {
    const space = line.indexOf(' ');
    const word = space === -1 ? line : line.slice(0, space);
    const described = word.startsWith('@') && word.endsWith(':');
    if (described) this.#described(word, line);
    else if (Object.hasOwn(tagKinds, word)) this.#tagged(word, line);
    else if (this.#part !== 'tagged' && line === 'Features:') {
      this.#endSection();
      this.#part = 'features';
    } else {
      if (this.#endsDescriptions(line)) {
        this.#open({ ...sectionDraft('plain', this.#lines.start), indent: 0 });
        this.#part = 'tagged';
      }
      this.#append(line);
    }
  }

  /** After a blank line, text that is not indented belongs to no member or feature any more. */
  #endsDescriptions(line: string): boolean {
    if (this.#part !== 'members' && this.#part !== 'features') return false;
    return this.#section.lines.at(-1) === '' && line !== '' && line.trimStart() === line;
  }

  #described(word: string, line: string): void {
    if (this.#part === 'tagged') {
      this.#lines.error(`'${word}' can't follow '${this.#section.tag ?? 'None'}' section`);
      return;
    }
    if (this.#part === 'body') this.#part = 'members';
    const name = word.slice(1, -1);
    const kind = this.#part === 'features' ? 'feature' : 'member';
    this.#endSection();
    if (name === '') this.#lines.error('invalid parameter name');
    else if (this.#names[kind].has(name)) this.#lines.error(`'${name}' parameter name duplicated`);
    this.#names[kind].add(name);
    this.#openIndented({ ...sectionDraft(kind, this.#lines.start, name), indent: undefined }, word, line);
  }

  #tagged(word: string, line: string): void {
    const tag = word.slice(0, -1);
    this.#endSection();
    this.#part = 'tagged';
    if (singleTags.includes(tag) && this.#sections.some((section) => section.tag === tag)) {
      this.#lines.error(`duplicated '${tag}' section`);
    }
    const draft = sectionDraft(tagKinds[word]!, this.#lines.start, undefined, tag);
    this.#openIndented({ ...draft, indent: undefined }, word, line);
  }

  /** Text on the section's first line says how far the following lines have to be indented. */
  #openIndented(section: IndentedDraft, word: string, line: string): void {
    const text = line.slice(word.length).trimStart();
    this.#open(section);
    section.end = this.#lines.end;
    if (text === '') return;
    section.indent = line.length - text.length;
    section.lines.push(text);
  }

  #open(section: IndentedDraft): void {
    this.#endSection();
    this.#section = section;
    this.#sections.push(section);
  }

  #endSection(): void {
    const section = this.#section;
    if (section.tag !== undefined && textOf(section) === '') {
      this.#lines.error(`empty doc section '${section.tag}'`);
    }
  }

  #append(line: string): void {
    const section = this.#section;
    if (line === '') {
      section.lines.push('');
      return;
    }
    const indent = line.length - line.trimStart().length;
    section.indent ??= indent;
    if (indent < section.indent) {
      this.#lines.error(`unexpected de-indent (expected at least ${section.indent} spaces)`);
    }
    section.lines.push(line.slice(Math.min(indent, section.indent)));
    section.end = this.#lines.end;
  }
}
