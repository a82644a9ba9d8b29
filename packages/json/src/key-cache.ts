const slots = 256;
const longest = 32;

/**
 * Strings by their bytes. A protocol says the same names over and over; finding the string that exists already is
 * several times as fast as making it again from bytes. Only ASCII may be looked up.
 */
export class KeyCache {
  /** Made when it is first needed: many connections never say a word. */
  #strings: string[] | undefined;

  text(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > longest) return bytes.toString('latin1', start, end);
    let hash = length;
    for (let position = start; position < end; position++) {
      hash = (Math.imul(hash, 31) + bytes[position]!) | 0;
    }
    const slot = (hash ^ (hash >>> 8)) & (slots - 1);
    this.#strings ??= new Array<string>(slots).fill('');
    const known = this.#strings[slot]!;
    if (known.length === length && matches(known, bytes, start)) return known;
    const text = bytes.toString('latin1', start, end);
    this.#strings[slot] = text;
    return text;
  }
}

function matches(text: string, bytes: Buffer, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
