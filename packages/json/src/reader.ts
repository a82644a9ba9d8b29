import { Assembler } from './assembler.js';
import { type JsonFault, parseFault } from './error.js';
import { KeyCache } from './key-cache.js';
import { Action, State, transitions } from './lexer.js';
import { defaultLimits, type JsonLimits } from './limits.js';
import { doubleValue, integerValue } from './number-token.js';
import { PartialToken } from './partial-token.js';
import { decodeString } from './string-token.js';
import { decodeLossy } from './utf8.js';
import type { JsonValue } from './value.js';

/** One message, or one error that took its place. */
export type JsonMessage =
  | { readonly value: JsonValue; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: JsonFault };

/** A stray token is shown up to this many bytes; QEMU shows it all. */
const longestStray = 64 << 10;

const Byte = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  doubleQuote: 0x22,
  singleQuote: 0x27,
  comma: 0x2c,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
  firstHigh: 0x80,
} as const;

const nothing: Buffer = Buffer.alloc(0);

/**
 * Reads JSON messages from a stream of bytes, whichever way it is cut into chunks. Messages need nothing between them.
 * A message ends where its braces and brackets are balanced; errors within it are reported there, stray bytes at once.
 */
export class JsonReader {
  readonly #limits: JsonLimits;
  readonly #assembler = new Assembler();
  readonly #strings = new KeyCache();

  #input: Buffer = nothing;
  #position = 0;

  #state: number = State.start;
  readonly #partial = new PartialToken();

  #braces = 0;
  #brackets = 0;
  #tokens = 0;
  #tokenBytes = 0;
  #message: JsonMessage | undefined;

  constructor(limits: Partial<JsonLimits> = {}) {
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** Whether a message has begun and is not complete. */
  get midMessage(): boolean {
    return this.#tokens > 0 || (this.#state !== State.start && this.#state !== State.recovery);
  }

  /** Takes bytes. They must not change until {@link read} has returned undefined or {@link keep} was called. */
  push(bytes: Uint8Array): void {
    const added = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (this.#position < this.#input.length) {
      this.#input = Buffer.concat([this.#input.subarray(this.#position), added]);
    } else {
      this.#input = added;
    }
    this.#position = 0;
  }

  /** The next message or error; undefined when it takes more bytes. */
  read(): JsonMessage | undefined {
    while (this.#message === undefined && this.#position < this.#input.length) {
      if (this.#state !== State.start || !this.#readWholeToken()) this.#readPartOfToken();
    }
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) this.#input = nothing;
    return message;
  }

  /** Copies the bytes that were not read yet, so that the chunk they came in may be used again. */
  keep(): void {
    this.#input = Buffer.from(this.#input.subarray(this.#position));
    this.#position = 0;
  }

  /** Forgets everything, as after a disconnect. */
  reset(): void {
    this.#input = nothing;
    this.#position = 0;
    this.#state = State.start;
    this.#partial.drop();
    this.#message = undefined;
    this.#startMessage();
  }

  /**
   * Says that no bytes will follow, and returns what that makes of an incomplete message: a number that ends with the
   * input is complete, anything else an error. To be called when {@link read} has returned undefined.
   */
  end(): JsonMessage | undefined {
    if (this.#state !== State.start) {
      // A byte that belongs to no token, so that whatever is open ends before it or becomes stray.
      const action = transitions[this.#state * 256]!;
      const token = this.#partial.bytes.subarray(0, this.#partial.length);
      if (action >= Action.endIntegerBefore && action <= Action.endKeywordBefore) {
        this.#endToken(action, token, 0, token.length);
      } else if (this.#state !== State.recovery) {
        this.#stray(token, 0, token.length);
      }
    }
    if (this.#message === undefined && this.#tokens > 0) {
      this.#assembler.fail(parseFault('premature EOI'));
      this.#complete();
    }
    const message = this.#message;
    this.reset();
    return message;
  }

  /**
   * The usual case: a token that the input holds whole. Returns false, having read nothing but white space, when the
   * table has to decide.
   */
  #readWholeToken(): boolean {
    const input = this.#input;
    const length = input.length;
    let position = this.#position;
    let byte = input[position]!;
    while (
      byte === Byte.space ||
      byte === Byte.lineFeed ||
      byte === Byte.carriageReturn ||
      byte === Byte.tab
    ) {
      position++;
      if (position === length) {
        this.#position = position;
        return true;
      }
      byte = input[position]!;
    }
    this.#position = position;
    if (byte === Byte.doubleQuote || byte === Byte.singleQuote) return this.#readWholeString(byte);
    if (byte >= Byte.zero && byte <= Byte.nine) return this.#readWholeInteger();
    switch (byte) {
      case Byte.openBrace:
      case Byte.closeBrace:
      case Byte.openBracket:
      case Byte.closeBracket:
      case Byte.comma:
      case Byte.colon:
        this.#position = position + 1;
        this.#structural(byte);
        return true;
      default:
        return false;
    }
  }

  #readWholeString(quote: number): boolean {
    const input = this.#input;
    const start = this.#position;
    const limit = Math.min(input.length, start + this.#limits.tokenBytes);
    let plain = true;
    for (let position = start + 1; position < limit; position++) {
      const byte = input[position]!;
      if (byte === quote) {
        this.#position = position + 1;
        if (this.#countToken(position + 1 - start)) this.#addString(input, start, position, plain);
        return true;
      }
      if (byte === Byte.backslash) {
        plain = false;
        position++;
        if (
          position === limit ||
          transitions[State.doubleQuotedEscape * 256 + input[position]!] === Action.stray
        ) {
          return false;
        }
      } else if (byte >= Byte.firstHigh) {
        if (byte >= 0xfe) return false;
        plain = false;
      } else if (byte < Byte.space) {
        return false;
      }
    }
    return false;
  }

  #readWholeInteger(): boolean {
    const input = this.#input;
    const start = this.#position;
    const limit = Math.min(input.length, start + 15);
    let value = 0;
    let position = start;
    for (; position < limit; position++) {
      const byte = input[position]!;
      if (byte < Byte.zero || byte > Byte.nine) break;
      value = value * 10 + (byte - Byte.zero);
    }
    if (position === limit || (input[start] === Byte.zero && position > start + 1)) return false;
    if (transitions[State.digits * 256 + input[position]!] !== Action.endIntegerBefore) return false;
    this.#position = position;
    if (this.#countToken(position - start)) {
      this.#assembler.add(value);
      this.#endIfBalanced();
    }
    return true;
  }

  /** Goes on by the table, byte by byte, to the end of a token or of the input. */
  #readPartOfToken(): void {
    const input = this.#input;
    const start = this.#position;
    const tokenRoom = this.#limits.tokenBytes - this.#partial.length;
    let state = this.#state;
    for (let position = start; position < input.length; position++) {
      const next = transitions[state * 256 + input[position]!]!;
      if (next >= Action.stray) {
        const consumed = next <= Action.endString ? 1 : 0;
        this.#position = position + consumed;
        this.#state = State.start;
        this.#act(next, start, position + consumed);
        return;
      }
      state = next;
      if (state === State.start) {
        this.#position = position + 1;
        return;
      }
      if (position - start >= tokenRoom && state !== State.recovery) {
        this.#position = position + 1;
        this.#state = State.start;
        this.#partial.drop();
        this.#limitExceeded('JSON token size limit exceeded');
        return;
      }
    }
    this.#position = input.length;
    this.#state = state;
    if (state !== State.recovery) this.#partial.append(this.#input, start, input.length);
  }

  #act(action: number, start: number, end: number): void {
    if (action === Action.restartBefore) return;
    let bytes = this.#input;
    let from = start;
    let to = end;
    if (this.#partial.length > 0) {
      this.#partial.append(this.#input, start, end);
      bytes = this.#partial.bytes;
      from = 0;
      to = this.#partial.length;
    }
    if (action === Action.stray) this.#stray(bytes, from, to);
    else this.#endToken(action, bytes, from, to);
    this.#partial.drop();
  }

  #endToken(action: number, bytes: Buffer, start: number, end: number): void {
    if (action === Action.structural) {
      this.#structural(bytes[start]!);
      return;
    }
    if (!this.#countToken(end - start)) return;
    switch (action) {
      case Action.endString:
        this.#addString(bytes, start, end - 1, false);
        return;
      case Action.endIntegerBefore:
        this.#assembler.add(integerValue(bytes.toString('latin1', start, end)));
        break;
      case Action.endDoubleBefore:
        this.#assembler.add(doubleValue(bytes.toString('latin1', start, end)));
        break;
      default:
        this.#addKeyword(bytes.toString('latin1', start, end));
    }
    this.#endIfBalanced();
  }

  #addKeyword(text: string): void {
    if (text === 'true') this.#assembler.add(true);
    else if (text === 'false') this.#assembler.add(false);
    else if (text === 'null') this.#assembler.add(null);
    else this.#assembler.failAtValue(parseFault(`invalid keyword '${text}'`));
  }

  /** `start` and `end` are the positions of the quotes; a plain string is ASCII without escapes. */
  #addString(bytes: Buffer, start: number, end: number, plain: boolean): void {
    if (plain) {
      this.#assembler.add(this.#strings.text(bytes, start + 1, end));
    } else if (this.#assembler.takesValue) {
      const text = decodeString(bytes, start, end);
      if (typeof text === 'string') this.#assembler.add(text);
      else this.#assembler.fail(text);
    } else {
      this.#assembler.add('');
    }
    this.#endIfBalanced();
  }

  #structural(byte: number): void {
    if (byte === Byte.openBrace) this.#braces++;
    else if (byte === Byte.closeBrace) this.#braces--;
    else if (byte === Byte.openBracket) this.#brackets++;
    else if (byte === Byte.closeBracket) this.#brackets--;
    if (!this.#countToken(1)) return;
    switch (byte) {
      case Byte.openBrace:
        this.#assembler.openObject();
        break;
      case Byte.closeBrace:
        this.#assembler.closeObject();
        break;
      case Byte.openBracket:
        this.#assembler.openArray();
        break;
      case Byte.closeBracket:
        this.#assembler.closeArray();
        break;
      case Byte.comma:
        this.#assembler.comma();
        break;
      default:
        this.#assembler.colon();
    }
    this.#endIfBalanced();
  }

  /** Counts a token against the limits; false when it exceeded one, which ended the message. */
  #countToken(bytes: number): boolean {
    this.#tokens++;
    this.#tokenBytes += bytes;
    if (this.#tokenBytes >= this.#limits.tokenBytes) this.#limitExceeded('JSON token size limit exceeded');
    else if (this.#tokens > this.#limits.tokens) this.#limitExceeded('JSON token count limit exceeded');
    else if (this.#braces + this.#brackets > this.#limits.depth) {
      this.#limitExceeded('JSON nesting depth limit exceeded');
    } else return true;
    return false;
  }

  #endIfBalanced(): void {
    const braces = this.#braces;
    const brackets = this.#brackets;
    if ((braces > 0 || brackets > 0) && braces >= 0 && brackets >= 0) return;
    this.#complete();
  }

  #complete(): void {
    const error = this.#assembler.error;
    this.#message = error === undefined ? { value: this.#assembler.value } : { error };
    this.#startMessage();
  }

  #limitExceeded(text: string): void {
    this.#message = { error: { message: text } };
    this.#startMessage();
  }

  #stray(bytes: Buffer, start: number, end: number): void {
    const shown = decodeLossy(bytes, start, Math.min(end, start + longestStray));
    this.#message = { error: { message: `JSON parse error, stray '${shown}'` } };
    this.#startMessage();
    this.#state = State.recovery;
  }

  #startMessage(): void {
    this.#assembler.reset();
    this.#braces = 0;
    this.#brackets = 0;
    this.#tokens = 0;
    this.#tokenBytes = 0;
  }
}
