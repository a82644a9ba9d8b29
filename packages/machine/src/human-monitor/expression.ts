import { MonitorError } from './monitor-error.js';

/** Binary operators by how tightly they bind, loosest first. Numbers are 64 bits wide. */
const LEVELS: readonly Readonly<Record<string, (left: bigint, right: bigint) => bigint>>[] = [
  {
    '&': (left, right) => left & right,
    '|': (left, right) => left | right,
    '^': (left, right) => left ^ right,
  },
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  { '*': (left, right) => left * right, '/': divide, '%': modulo },
];

/** An expression at the start of a line, and where the rest of the line begins. */
export interface ParsedExpression {
  readonly value: bigint;
  readonly end: number;
}

/**
 * Reads a number, or an expression of numbers, operators and parentheses.
 * @throws MonitorError
 */
export function parseExpression(text: string, start: number): ParsedExpression {
  return new ExpressionParser(text, start).parse();
}

class ExpressionParser {
  readonly #text: string;
  #at: number;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
    this.#skipBlanks();
  }

  parse(): ParsedExpression {
    return { value: BigInt.asIntN(64, this.#binary(0)), end: this.#at };
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
        return -this.#unary();
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
      case "'": {
        const [, character] = /^'(.)'/.exec(this.#text.slice(this.#at)) ?? [];
        if (character === undefined) throw new MonitorError("missing terminating ' character");
        this.#advance(3);
        return BigInt(character.charCodeAt(0));
      }
      case '$':
        throw new MonitorError('unknown register');
      case undefined:
        throw new MonitorError('unexpected end of expression');
      default:
        return this.#number();
    }
  }

  #number(): bigint {
    const [digits] = /^(?:0x[0-9a-f]+|\d+)/i.exec(this.#text.slice(this.#at)) ?? [];
    if (digits === undefined) throw new MonitorError('invalid char in expression');
    this.#advance(digits.length);
    return BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits.toLowerCase());
  }

  #advance(length: number): void {
    this.#at += length;
    this.#skipBlanks();
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++;
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
