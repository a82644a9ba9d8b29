/** Keys of X11 (keysymdef.h) that are held while others are pressed. */
const CONTROL = [0xffe3, 0xffe4];
const ALT = [0xffe9, 0xffea, 0xffe7, 0xffe8];

/** What a VT220 sends for the keys that have no character of their own, by keysym. */
const SEQUENCES: ReadonlyMap<number, string> = new Map([
  [0xff08, '\x7f'], // BackSpace
  [0xff09, '\t'],
  [0xfe20, '\x1b[Z'], // ISO_Left_Tab
  [0xff0a, '\n'],
  [0xff0d, '\r'],
  [0xff1b, '\x1b'],
  [0xff50, '\x1b[1~'], // Home
  [0xff51, '\x1b[D'],
  [0xff52, '\x1b[A'],
  [0xff53, '\x1b[C'],
  [0xff54, '\x1b[B'],
  [0xff55, '\x1b[5~'], // Page Up
  [0xff56, '\x1b[6~'],
  [0xff57, '\x1b[4~'], // End
  [0xff63, '\x1b[2~'], // Insert
  [0xffff, '\x1b[3~'], // Delete
  [0xff8d, '\r'], // the keypad from here on
  [0xff95, '\x1b[1~'],
  [0xff96, '\x1b[D'],
  [0xff97, '\x1b[A'],
  [0xff98, '\x1b[C'],
  [0xff99, '\x1b[B'],
  [0xff9a, '\x1b[5~'],
  [0xff9b, '\x1b[6~'],
  [0xff9c, '\x1b[4~'],
  [0xff9e, '\x1b[2~'],
  [0xff9f, '\x1b[3~'],
  ...[...'*+,-./0123456789'].map((character, index): [number, string] => [0xffaa + index, character]),
  [0xffbd, '='],
  // F1 to F12; the numbers are DEC's, with their gaps.
  ...[11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24].map((code, index): [number, string] => [
    0xffbe + index,
    `\x1b[${code}~`,
  ]),
]);

/** A keysym of this and above is a character of Unicode plus this. */
const UNICODE = 0x0100_0000;

/** Turns keys that go down and up into what a terminal sends (UTF-8). */
export class Keys {
  readonly #held = new Set<number>();

  /** The bytes that the key sends; none for a modifier, a key that goes up, and one that is not known. */
  press(keysym: number, down: boolean): Uint8Array {
    if (CONTROL.includes(keysym) || ALT.includes(keysym)) {
      if (down) this.#held.add(keysym);
      else this.#held.delete(keysym);
      return new Uint8Array(0);
    }
    const text = down ? this.#textOf(keysym) : '';
    return Buffer.from(text !== '' && this.#holds(ALT) ? `\x1b${text}` : text);
  }

  #textOf(keysym: number): string {
    const sequence = SEQUENCES.get(keysym);
    if (sequence !== undefined) return sequence;
    const character = characterOf(keysym);
    if (character === undefined) return '';
    return this.#holds(CONTROL) ? controlCode(character) : character;
  }

  #holds(modifiers: readonly number[]): boolean {
    return modifiers.some((modifier) => this.#held.has(modifier));
  }
}

function characterOf(keysym: number): string | undefined {
  if ((keysym >= 0x20 && keysym <= 0x7e) || (keysym >= 0xa0 && keysym <= 0xff)) {
    return String.fromCharCode(keysym);
  }
  const point = keysym - UNICODE;
  if (point < 0x20 || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return undefined;
  return String.fromCodePoint(point);
}

/** Ctrl with a letter or one of `@[\]^_` is a code below 32; with others it changes nothing. */
function controlCode(character: string): string {
  const code = character.toUpperCase().charCodeAt(0);
  if (character === ' ') return '\0';
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : character;
}
