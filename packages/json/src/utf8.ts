/**
 * UTF-8 as QEMU reads it: U+0000 may be written as C0 80, and besides malformed sequences it refuses surrogates
 * and the 66 noncharacters (U+FDD0..U+FDEF, and the last two of every plane).
 */

/** Whether a code point may occur in a string. */
export function isCharacter(codePoint: number): boolean {
  if (codePoint < 0xd800) return codePoint >= 0;
  if (codePoint > 0x10ffff || codePoint <= 0xdfff) return false;
  return (codePoint < 0xfdd0 || codePoint > 0xfdef) && (codePoint & 0xfffe) !== 0xfffe;
}

/** The smallest code point that needs a sequence of so many bytes. */
const smallest = [0, 0, 0x80, 0x800, 0x10000, 0x200000, 0x4000000];

/**
 * The sequence at `position`: its code point, or -1 when it is invalid, and where it ends. An invalid sequence
 * ends before the first byte that does not continue it. The object is the caller's, to spare an allocation.
 */
export interface Utf8Sequence {
  codePoint: number;
  end: number;
}

export function readSequence(bytes: Uint8Array, position: number, limit: number, into: Utf8Sequence): void {
  const first = bytes[position]!;
  into.codePoint = -1;
  into.end = position + 1;
  if (first < 0x80) {
    into.codePoint = first;
    return;
  }
  if (first < 0xc0 || first >= 0xfe) return;
  let length = 2;
  while (first & (0x80 >> length)) length++;
  let codePoint = first & (0x7f >> length);
  for (let index = 1; index < length; index++) {
    const byte = into.end < limit ? bytes[into.end]! : 0;
    if ((byte & 0xc0) !== 0x80) return;
    into.end++;
    codePoint = codePoint * 64 + (byte & 0x3f);
  }
  const overlong = codePoint < smallest[length]! && !(codePoint === 0 && length === 2);
  if (!overlong && isCharacter(codePoint)) into.codePoint = codePoint;
}

/** Collects code points and turns them into a string in pieces that fit a call's arguments. */
export class StringBuilder {
  #text = '';
  readonly #units: number[] = [];

  appendCodePoint(codePoint: number): void {
    if (codePoint > 0xffff) {
      this.#units.push(0xd800 + ((codePoint - 0x10000) >> 10), 0xdc00 + (codePoint & 0x3ff));
    } else {
      this.#units.push(codePoint);
    }
    if (this.#units.length >= 4096) this.#flush();
  }

  append(text: string): void {
    this.#flush();
    this.#text += text;
  }

  toString(): string {
    this.#flush();
    return this.#text;
  }

  #flush(): void {
    if (this.#units.length === 0) return;
    this.#text += String.fromCharCode(...this.#units);
    this.#units.length = 0;
  }
}

/** Bytes as text for an error message: every invalid sequence is U+FFFD, and a zero byte ends the text. */
export function decodeLossy(bytes: Uint8Array, start: number, end: number): string {
  const builder = new StringBuilder();
  const sequence: Utf8Sequence = { codePoint: 0, end: 0 };
  for (let position = start; position < end && bytes[position] !== 0; position = sequence.end) {
    readSequence(bytes, position, end, sequence);
    builder.appendCodePoint(sequence.codePoint < 0 ? 0xfffd : sequence.codePoint);
  }
  return builder.toString();
}
