import { MonitorError } from './monitor-error.js';

type Operator = (left: bigint, right: bigint) => bigint;

/** Binary operators by how tightly they bind, loosest first: unlike in C, sums bind looser than bits. */
const LEVELS: readonly Readonly<Record<string, Operator>>[] = [
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  {
    '&': (left, right) => left & right,
    '|': (left, right) => left | right,
    '^': (left, right) => left ^ right,
  },
  { '*': (left, right) => left * right, '/': divide, '%': modulo },
];

const MAX_UINT64 = 2n ** 64n - 1n;

/** An expression at the start of a line, and where the rest of the line begins. */
export interface ParsedExpression {
  /** A signed 64-bit number. */
  readonly value: bigint;
  readonly end: number;
}

/** The value of a register by its name, without the dollar; undefined where there is none. */
export type Registers = (name: string) => bigint | undefined;

/**
 * Reads a number, or an expression of numbers, registers, operators and parentheses. It ends where it cannot go on.
 * @throws MonitorError
 */
export function parseExpression(text: string, start: number, registers: Registers): ParsedExpression {
  return new ExpressionParser(text, start, registers).parse();
}

class ExpressionParser {
  readonly #text: string;
  readonly #registers: Registers;
  #at: number;

  constructor(text: string, start: number, registers: Registers) {
    this.#text = text;
    this.#registers = registers;
    this.#at = start;
    this.#skipBlanks();
  }

  parse(): ParsedExpression {
    return { value: this.#binary(0), end: this.#at };
  }

  #binary(level: number): bigint {
    const operators = LEVELS[level];
    if (operators === undefined) return this.#unary();
    let value = this.#binary(level + 1);
    for (;;) {
      const operator = this.#text[this.#at] ?? '';
      const apply = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
      if (apply === undefined) return value;
      this.#advance(1);
      value = BigInt.asIntN(64, apply(value, this.#binary(level + 1)));
    }
  }

  #unary(): bigint {
    switch (this.#text[this.#at]) {
      case '+':
        this.#advance(1);
        return this.#unary();
      case '-':
        this.#advance(1);
        return BigInt.asIntN(64, -this.#unary());
      case '~':
        this.#advance(1);
        return ~this.#unary();
      case '(': {
        this.#advance(1);
        const value = this.#binary(0);
        if (this.#text[this.#at] !== ')') throw new MonitorError("')' expected");
        this.#advance(1);
        return value;
      }
      case "'":
        return this.#character();
      case '$':
        return this.#register();
      case undefined:
        throw new MonitorError('unexpected end of expression');
      default:
        return this.#number();
    }
  }

  #character(): bigint {
    const code = this.#text.charCodeAt(this.#at + 1);
    if (Number.isNaN(code)) throw new MonitorError('character constant expected');
    if (this.#text[this.#at + 2] !== "'") throw new MonitorError("missing terminating ' character");
    this.#advance(3);
    return BigInt(code);
  }

  #register(): bigint {
    const [name] = /^[\w.]*/.exec(this.#text.slice(this.#at + 1))!;
    this.#advance(name.length + 1);
    const value = this.#registers(name);
    if (value === undefined) throw new MonitorError('unknown register');
    return BigInt.asIntN(64, value);
  }

  /** Decimal, hexadecimal (0x) or octal (0); as much of it as is one. */
  #number(): bigint {
    const [digits] = /^(?:0x[0-9a-f]+|0[0-7]*|[1-9]\d*)/i.exec(this.#text.slice(this.#at)) ?? [];
    if (digits === undefined) throw new MonitorError(`invalid char '${this.#text[this.#at]}' in expression`);
    this.#advance(digits.length);
    const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase());
    if (value > MAX_UINT64) throw new MonitorError('number too large');
    return BigInt.asIntN(64, value);
  }

  #advance(length: number): void {
    this.#at += length;
    this.#skipBlanks();
  }

  #skipBlanks(): void {
    while (/[ \t-\r]/.test(this.#text[this.#at] ?? '')) this.#at++;
  }
}

function divide(left: bigint, right: bigint): bigint {
  if (right === 0n) throw new MonitorError('division by zero');
  return left / right;
}

function modulo(left: bigint, right: bigint): bigint {
  if (right === 0n) throw new MonitorError('division by zero');
  return left % right;
}
