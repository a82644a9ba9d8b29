import type { Documentation, DocumentationSection } from '../schema/documentation.js';
import type { Condition, Feature } from '../schema/model.js';
import { fenced, toMarkdown } from './markup.js';
import { lineWidth } from './source-file.js';

/** The documentation of one declaration, collected paragraph by paragraph. */
export class TsDoc {
  readonly #blocks: string[][] = [];
  readonly #tags: string[][] = [];

  text(text: string): this {
    return this.#block(toMarkdown(text));
  }

  list(items: readonly { readonly name: string; readonly text: string }[]): this {
    return this.#block(
      items.flatMap(({ name, text }) => {
        const [first = '', ...rest] = toMarkdown(text);
        return [`- \`${name}\`: ${first}`.trimEnd(), ...rest.map((line) => (line === '' ? '' : `  ${line}`))];
      }),
    );
  }

  tag(name: string, text: string): this {
    const [first = '', ...rest] = toMarkdown(text);
    this.#tags.push([`@${name} ${first}`.trimEnd(), ...withoutBlankEnd(rest)]);
    return this;
  }

  example(text: string): this {
    this.#tags.push(['@example', ...withoutBlankEnd(fenced(text.split('\n')))]);
    return this;
  }

  /** What the schema's features and conditions say; the text of a feature comes from its section. */
  marks(
    features: readonly Feature[],
    doc: Documentation | undefined,
    condition: Condition | undefined,
  ): this {
    for (const feature of features) {
      const text = sectionText(doc, 'feature', feature.name);
      if (feature.name === 'deprecated') this.tag('deprecated', text);
      else if (feature.name === 'unstable') this.tag('experimental', text);
    }
    const others = features.filter(({ name }) => name !== 'deprecated' && name !== 'unstable');
    if (others.some(({ name }) => sectionText(doc, 'feature', name) !== '')) {
      this.#block(['Features:']);
      this.list(others.map(({ name }) => ({ name, text: sectionText(doc, 'feature', name) })));
    } else if (others.length > 0) {
      this.#block([`Features: ${others.map(({ name }) => `\`${name}\``).join(', ')}`]);
    }
    if (condition !== undefined) this.#block([`If: \`${printCondition(condition)}\``]);
    return this;
  }

  /** A definition's own documentation: its body, and the sections that are not about its members. */
  definition(doc: Documentation | undefined): this {
    if (doc === undefined) return this;
    this.text(doc.body);
    for (const section of doc.sections) this.#section(section);
    return this;
  }

  #section({ kind, text, tag }: DocumentationSection & { readonly tag?: string | undefined }): void {
    switch (kind) {
      case 'plain':
        this.text(text);
        break;
      case 'note':
        this.text(`${tag ?? 'Note'}: ${text}`);
        break;
      case 'returns':
        this.tag('returns', text);
        break;
      case 'errors':
        this.tag('throws', text);
        break;
      case 'since':
        this.tag('since', text);
        break;
      case 'example':
        this.example(text);
        break;
    }
  }

  #block(lines: readonly string[]): this {
    const block = withoutBlankEnd(lines);
    if (block.some((line) => line !== '')) this.#blocks.push(block);
    return this;
  }

  lines(indent = ''): string[] {
    const text = this.#blocks.flatMap((block, index) => (index === 0 ? block : ['', ...block]));
    const tags = this.#tags.flat();
    const all = text.length > 0 && tags.length > 0 ? [...text, '', ...tags] : [...text, ...tags];
    if (all.length === 0) return [];
    const single = `${indent}/** ${all[0]} */`;
    if (all.length === 1 && single.length <= lineWidth) return [single];
    return [`${indent}/**`, ...all.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
  }
}

/** The text of the section on a member or feature; empty when there is none. */
export function sectionText(
  doc: Documentation | undefined,
  kind: DocumentationSection['kind'],
  name: string,
): string {
  return doc?.sections.find((section) => section.kind === kind && section.name === name)?.text ?? '';
}

/** A condition as one would write it in C, without `defined()`. */
function printCondition(condition: Condition, nested = false): string {
  if (typeof condition === 'string') return condition;
  if ('not' in condition) return `!${printCondition(condition.not, true)}`;
  const [parts, operator] = 'all' in condition ? [condition.all, ' && '] : [condition.any, ' || '];
  const text = parts.map((part) => printCondition(part, true)).join(operator);
  return nested && parts.length > 1 ? `(${text})` : text;
}

function withoutBlankEnd(lines: readonly string[]): string[] {
  return lines.slice(0, lines.findLastIndex((line) => line.trim() !== '') + 1);
}
