import { type JsonFault, parseFault } from './error.js';
import { decodeLossy, isCharacter, readSequence, StringBuilder, type Utf8Sequence } from './utf8.js';

const simpleEscapes: Readonly<Record<number, number>> = {
  34: 0x22, // \"
  39: 0x27, // \'
  92: 0x5c, // \\
  47: 0x2f, // \/
  98: 0x08, // \b
  102: 0x0c, // \f
  110: 0x0a, // \n
  114: 0x0d, // \r
  116: 0x09, // \t
};

const backslash = 0x5c;
const letterU = 0x75;

/** How long a `\uXXXX` escape is. */
const unicodeEscapeLength = 6;

/**
 * The text of a string token, or its fault: a bad escape, invalid UTF-8, or a code point that is no character.
 * `start` and `end` are the positions of its quotes.
 */
export function decodeString(bytes: Buffer, start: number, end: number): string | JsonFault {
  const builder = new StringBuilder();
  const sequence: Utf8Sequence = { codePoint: 0, end: 0 };
  let position = start + 1;
  let plainStart = position;
  while (position < end) {
    const byte = bytes[position]!;
    if (byte < 0x80 && byte !== backslash) {
      position++;
      continue;
    }
    if (position > plainStart) builder.append(bytes.toString('latin1', plainStart, position));
    if (byte === backslash) {
      const next = decodeEscape(bytes, position, end, builder);
      if (typeof next !== 'number') return next;
      position = next;
    } else {
      readSequence(bytes, position, end, sequence);
      if (sequence.codePoint < 0) return parseFault('invalid UTF-8 sequence in string');
      builder.appendCodePoint(sequence.codePoint);
      position = sequence.end;
    }
    plainStart = position;
  }
  if (position > plainStart) builder.append(bytes.toString('latin1', plainStart, position));
  return builder.toString();
}

/** Decodes the escape at `position` and returns where it ends, or its fault. */
function decodeEscape(
  bytes: Buffer,
  position: number,
  end: number,
  builder: StringBuilder,
): number | JsonFault {
  const selector = bytes[position + 1]!;
  if (selector !== letterU) {
    const character = simpleEscapes[selector];
    if (character === undefined) return parseFault('invalid escape sequence in string');
    builder.appendCodePoint(character);
    return position + 2;
  }
  let codePoint = hexQuad(bytes, position + 2, end);
  let next = position + unicodeEscapeLength;
  const isLeading = codePoint >= 0xd800 && codePoint <= 0xdbff;
  if (isLeading && bytes[next] === backslash && bytes[next + 1] === letterU) {
    const trailing = hexQuad(bytes, next + 2, end);
    if (trailing >= 0xdc00 && trailing <= 0xdfff) {
      codePoint = 0x10000 + ((codePoint & 0x3ff) << 10) + (trailing & 0x3ff);
      next += unicodeEscapeLength;
    }
  }
  if (!isCharacter(codePoint)) {
    // QEMU shows as many bytes as the escape should have, the closing quote included where it is too short.
    const shown = decodeLossy(bytes, position, Math.min(next, end + 1));
    return parseFault(`${shown} is not a valid Unicode character`);
  }
  builder.appendCodePoint(codePoint);
  return next;
}

/** Four hexadecimal digits as a number, or -1. */
function hexQuad(bytes: Buffer, position: number, end: number): number {
  let value = 0;
  for (let index = position; index < position + 4; index++) {
    const byte = index < end ? bytes[index]! : 0;
    let digit: number;
    if (byte >= 0x30 && byte <= 0x39) digit = byte - 0x30;
    else if (byte >= 0x41 && byte <= 0x46) digit = byte - 0x41 + 10;
    else if (byte >= 0x61 && byte <= 0x66) digit = byte - 0x61 + 10;
    else return -1;
    value = value * 16 + digit;
  }
  return value;
}
