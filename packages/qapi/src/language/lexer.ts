import type { Source } from './source.js';

export type TokenKind =
  | '{'
  | '}'
  | '['
  | ']'
  | ':'
  | ','
  | 'string'
  | 'true'
  | 'false'
  /** The `##` that opens a documentation block. */
  | 'documentation'
  | 'end';

/** Reports an error of syntax between two offsets; `reportedAt` is where QEMU sees it, if not at `start`. */
export type SyntaxErrorHandler = (message: string, start: number, end: number, reportedAt?: number) => void;

const quote = 0x27;
const backslash = 0x5c;
const newline = 0x0a;
const hash = 0x23;

/** The tokens of one character, by its code. */
const structural: readonly (TokenKind | undefined)[] = (() => {
  const table = new Array<TokenKind | undefined>(128).fill(undefined);
  for (const token of ['{', '}', '[', ']', ':', ','] as const) table[token.charCodeAt(0)] = token;
  return table;
})();

/** White space beyond the usual. */
const otherWhiteSpace: ReadonlySet<string> = new Set(
  '\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000',
);
/** What ends a run of characters that mean nothing. */
const boundaries = new Set([...otherWhiteSpace, ..."[]{}:,' \t\n"]);

/**
 * Splits a source into tokens, one at a time: {@link Lexer.advance} reads the next into {@link Lexer.kind},
 * {@link Lexer.start}, {@link Lexer.end} and {@link Lexer.value}. What is not a token is reported and skipped.
 */
export class Lexer {
  kind: TokenKind = 'end';
  start = 0;
  end = 0;
  /** The value of a string. */
  value = '';
  readonly #text: string;
  readonly #onError: SyntaxErrorHandler;

  constructor(source: Source, onError: SyntaxErrorHandler) {
    this.#text = source.text;
    this.#onError = onError;
  }

  /** Goes on reading at `offset`. */
  moveTo(offset: number): TokenKind {
    this.end = offset;
    return this.advance();
  }

  advance(): TokenKind {
    const text = this.#text;
    let at = this.end;
    for (;;) {
      const code = text.charCodeAt(at);
      switch (code) {
        case 0x20:
        case 0x09:
          at++;
          continue;
        case newline:
          if (at === text.length - 1) return this.#set('end', at, at);
          at++;
          continue;
        case hash:
          if (text.charCodeAt(at + 1) === hash) return this.#set('documentation', at, at + 2);
          at = text.indexOf('\n', at);
          continue;
        case quote:
          return this.#string(at);
        default:
          if (Number.isNaN(code)) return this.#set('end', text.length - 1, text.length - 1);
          if (structural[code] !== undefined) return this.#set(structural[code], at, at + 1);
          if (text.startsWith('true', at)) return this.#set('true', at, at + 4);
          if (text.startsWith('false', at)) return this.#set('false', at, at + 5);
          at = this.#skipUnknown(at);
      }
    }
  }

  #set(kind: TokenKind, start: number, end: number): TokenKind {
    this.kind = kind;
    this.start = start;
    this.end = end;
    return kind;
  }

  /** White space beyond ASCII is skipped as any other; all else is reported. */
  #skipUnknown(at: number): number {
    const text = this.#text;
    if (otherWhiteSpace.has(text[at]!)) return at + 1;
    let end = at + 1;
    while (!boundaries.has(text[end]!)) end++;
    this.#onError(`stray '${text.slice(at, end)}'`, at, end);
    return end;
  }

  #string(start: number): TokenKind {
    const text = this.#text;
    let at = start + 1;
    let chunk = at;
    let value = '';
    let reported = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        this.value = value + text.slice(chunk, at);
        return this.#set('string', start, at + 1);
      }
      if (code === newline) {
        if (!reported) this.#onError('missing terminating "\'"', start, at);
        this.value = value + text.slice(chunk, at);
        return this.#set('string', start, at);
      }
      if (code === backslash) {
        const escaped = String.fromCodePoint(text.codePointAt(at + 1)!);
        if (escaped !== '\\' && !reported) {
          this.#onError(`unknown escape \\${escaped}`, start, at + 1 + escaped.length);
          reported = true;
        }
        value += text.slice(chunk, at);
        // A newline after the backslash still ends the string.
        if (escaped === '\n') chunk = at += 1;
        else {
          chunk = at + 1;
          at += 1 + escaped.length;
        }
        continue;
      }
      if ((code < 0x20 || code > 0x7e) && !reported) {
        this.#onError('funny character in string', start, at + 1);
        reported = true;
      }
      at++;
    }
  }
}
