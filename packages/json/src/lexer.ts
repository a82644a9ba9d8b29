/**
 * How bytes become tokens: RFC 8259 with QEMU's extensions (single-quoted strings, `\'`), as a table.
 * Unlike most lexers this one has a recovery state: after a stray byte everything is skipped up to a byte that
 * is likely to begin a new message.
 */

/** States of the lexer. */
export const State = {
  start: 0,
  recovery: 1,
  doubleQuoted: 2,
  doubleQuotedEscape: 3,
  singleQuoted: 4,
  singleQuotedEscape: 5,
  minus: 6,
  zero: 7,
  digits: 8,
  point: 9,
  fraction: 10,
  exponent: 11,
  exponentSign: 12,
  exponentDigits: 13,
  keyword: 14,
} as const;

/** What the table says beside a next state. The byte belongs to the token unless the name says `before`. */
export const Action = {
  /** A byte that no token has here. */
  stray: 0x20,
  /** `{ } [ ] : ,` */
  structural: 0x21,
  endString: 0x22,
  endIntegerBefore: 0x23,
  endDoubleBefore: 0x24,
  endKeywordBefore: 0x25,
  /** Start again with the same byte. */
  restartBefore: 0x26,
} as const;

const stateCount = 15;

/** `transitions[state * 256 + byte]` is a {@link State} or an {@link Action}. */
export const transitions: Uint8Array = buildTransitions();

function buildTransitions(): Uint8Array {
  const table = new Uint8Array(stateCount * 256).fill(Action.stray);
  const onRange = (state: number, first: number, last: number, next: number) =>
    table.fill(next, state * 256 + first, state * 256 + last + 1);
  const onAny = (state: number, next: number) => onRange(state, 0, 255, next);
  const on = (state: number, characters: string, next: number) => {
    for (const character of characters) table[state * 256 + character.charCodeAt(0)] = next;
  };
  const digits = '0123456789';

  on(State.start, ' \t\r\n', State.start);
  on(State.start, '{}[]:,', Action.structural);
  on(State.start, '"', State.doubleQuoted);
  on(State.start, "'", State.singleQuoted);
  on(State.start, '-', State.minus);
  on(State.start, '0', State.zero);
  on(State.start, '123456789', State.digits);
  onRange(State.start, 0x61, 0x7a, State.keyword);

  onRange(State.recovery, 0x00, 0x1f, Action.restartBefore);
  onRange(State.recovery, 0x20, 0xfd, State.recovery);
  onRange(State.recovery, 0xfe, 0xff, Action.restartBefore);
  on(State.recovery, '\t', State.recovery);
  on(State.recovery, '{}[]:,', Action.restartBefore);

  // Control characters and the bytes that no UTF-8 text has end a string with an error.
  onRange(State.doubleQuoted, 0x20, 0xfd, State.doubleQuoted);
  on(State.doubleQuoted, '\\', State.doubleQuotedEscape);
  on(State.doubleQuoted, '"', Action.endString);
  onRange(State.doubleQuotedEscape, 0x20, 0xfd, State.doubleQuoted);
  onRange(State.singleQuoted, 0x20, 0xfd, State.singleQuoted);
  on(State.singleQuoted, '\\', State.singleQuotedEscape);
  on(State.singleQuoted, "'", Action.endString);
  onRange(State.singleQuotedEscape, 0x20, 0xfd, State.singleQuoted);

  on(State.minus, '0', State.zero);
  on(State.minus, '123456789', State.digits);
  // A number that begins with 0 goes on with a point or ends; `01` is an error, `0e1` is 0 and then `e`.
  onAny(State.zero, Action.endIntegerBefore);
  on(State.zero, digits, Action.stray);
  on(State.zero, '.', State.point);
  onAny(State.digits, Action.endIntegerBefore);
  on(State.digits, digits, State.digits);
  on(State.digits, '.', State.point);
  on(State.digits, 'eE', State.exponent);
  on(State.point, digits, State.fraction);
  onAny(State.fraction, Action.endDoubleBefore);
  on(State.fraction, digits, State.fraction);
  on(State.fraction, 'eE', State.exponent);
  on(State.exponent, '+-', State.exponentSign);
  on(State.exponent, digits, State.exponentDigits);
  on(State.exponentSign, digits, State.exponentDigits);
  onAny(State.exponentDigits, Action.endDoubleBefore);
  on(State.exponentDigits, digits, State.exponentDigits);

  onAny(State.keyword, Action.endKeywordBefore);
  onRange(State.keyword, 0x61, 0x7a, State.keyword);
  return table;
}
