import type { EntryNode, ListNode, ObjectNode, StringNode, ValueNode } from './ast.js';
import { Lexer, type SyntaxErrorHandler, type TokenKind } from './lexer.js';
import type { Source } from './source.js';

/** How deep lists and objects may be nested. */
const maximumDepth = 500;

/** What a schema file consists of. */
export type TopLevelItem =
  /** `broken`: it has an error of syntax, and holds what was understood. */
  | { readonly kind: 'expression'; readonly value: ValueNode; readonly broken: boolean }
  /** `start` is the offset of the opening `##`; {@link Parser.resume} says where to go on. */
  | { readonly kind: 'documentation'; readonly start: number };

/** Thrown to leave an expression that cannot be understood any further; never leaves the parser. */
const abandoned = Symbol('abandoned');

/** Reads the top-level items of a source one by one, so that an include is followed when it is met. */
export class Parser {
  readonly #source: Source;
  readonly #lexer: Lexer;
  readonly #onError: SyntaxErrorHandler;
  #firstError = Number.POSITIVE_INFINITY;
  #depth = 0;

  constructor(source: Source, onError: SyntaxErrorHandler) {
    this.#source = source;
    this.#onError = (message, start, end, reportedAt) => {
      this.#firstError = Math.min(this.#firstError, start);
      onError(message, start, end, reportedAt);
    };
    this.#lexer = new Lexer(source, this.#onError);
    this.#lexer.advance();
  }

  /** The next item, or undefined at the end. */
  next(): TopLevelItem | undefined {
    const lexer = this.#lexer;
    if (lexer.kind === 'end') return undefined;
    if (lexer.kind === 'documentation') return { kind: 'documentation', start: lexer.start };
    const { start } = lexer;
    this.#firstError = Number.POSITIVE_INFINITY;
    this.#depth = 0;
    const partial = new Map<string, EntryNode>();
    try {
      const value = lexer.kind === '{' ? this.#object(partial) : this.#value();
      // The look-ahead may have met an error behind the expression, which is not the expression's.
      return { kind: 'expression', value, broken: this.#firstError < value.end };
    } catch (error) {
      if (error !== abandoned) throw error;
      this.#lexer.moveTo(this.#nextItem(start));
      return {
        kind: 'expression',
        value: { kind: 'object', entries: partial, start, end: start + 1 },
        broken: true,
      };
    }
  }

  /** Goes on at `offset`, behind a documentation block. */
  resume(offset: number): void {
    this.#lexer.moveTo(offset);
  }

  #value(expectation = "'{', '[', string, or boolean"): ValueNode {
    const lexer = this.#lexer;
    const { kind, start, end } = lexer;
    switch (kind) {
      case '{':
        return this.#object(new Map());
      case '[':
        return this.#list();
      case 'string':
        return this.#string();
      case 'true':
      case 'false':
        lexer.advance();
        return { kind: 'boolean', value: kind === 'true', start, end };
      default:
        return this.#fail(`expected ${expectation}`);
    }
  }

  #string(): StringNode {
    const { value, start, end } = this.#lexer;
    this.#lexer.advance();
    return { kind: 'string', value, start, end };
  }

  #object(entries: Map<string, EntryNode>): ObjectNode {
    const lexer = this.#lexer;
    const { start } = lexer;
    this.#enter();
    lexer.advance();
    if (this.#is('}')) return { kind: 'object', entries, start, end: this.#leave() };
    if (!this.#is('string')) this.#fail("expected string or '}'");
    for (;;) {
      const key = this.#string();
      if (!this.#is(':')) this.#fail("expected ':'");
      lexer.advance();
      const duplicate = entries.has(key.value);
      if (duplicate) this.#onError(`duplicate key '${key.value}'`, key.start, key.end, lexer.start);
      const value = this.#value();
      if (!duplicate) entries.set(key.value, { key, value });
      if (this.#is('}')) return { kind: 'object', entries, start, end: this.#leave() };
      if (!this.#is(',')) this.#fail("expected ',' or '}'");
      lexer.advance();
      if (!this.#is('string')) this.#fail('expected string');
    }
  }

  #list(): ListNode {
    const lexer = this.#lexer;
    const { start } = lexer;
    const items: ValueNode[] = [];
    this.#enter();
    lexer.advance();
    if (this.#is(']')) return { kind: 'list', items, start, end: this.#leave() };
    let expectation: string | undefined = "'{', '[', ']', string, or boolean";
    for (;;) {
      items.push(this.#value(expectation));
      expectation = undefined;
      if (this.#is(']')) return { kind: 'list', items, start, end: this.#leave() };
      if (!this.#is(',')) this.#fail("expected ',' or ']'");
      lexer.advance();
    }
  }

  #is(kind: TokenKind): boolean {
    return this.#lexer.kind === kind;
  }

  #enter(): void {
    if (++this.#depth > maximumDepth) this.#fail(`nested more than ${maximumDepth} levels deep`);
  }

  /** Passes the closing bracket and gives the offset behind it. */
  #leave(): number {
    const { end } = this.#lexer;
    this.#depth--;
    this.#lexer.advance();
    return end;
  }

  #fail(message: string): never {
    this.#onError(message, this.#lexer.start, this.#lexer.end);
    throw abandoned;
  }

  /** The next line that begins with a brace or with a documentation block. */
  #nextItem(start: number): number {
    const { text } = this.#source;
    let at = Math.max(this.#lexer.start, start);
    for (;;) {
      at = text.indexOf('\n', at) + 1;
      if (at === 0) return text.length - 1;
      if (text[at] === '{' || text.startsWith('##', at)) return at;
    }
  }
}
