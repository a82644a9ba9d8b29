/** Bytes of an item: b, h, w, g. */
export type ItemSize = 1 | 2 | 4 | 8;

/** x hexadecimal, d signed, u unsigned, o octal, c character, i instruction. */
export type ItemFormat = 'x' | 'd' | 'u' | 'o' | 'c' | 'i';

/** How memory or a number is printed: `/4xw`. */
export interface DumpFormat {
  readonly count: number;
  readonly format: ItemFormat;
  readonly size: ItemSize;
}

const SIZES: Readonly<Record<string, ItemSize>> = { b: 1, h: 2, w: 4, g: 8, L: 8 };

const MAX_COUNT = 2 ** 31 - 1;

/**
 * Reads what follows the slash.
 * @param last what is not given stays as it was the last time
 * @returns the first character that means nothing, where there is one
 */
export function parseDumpFormat(text: string, last: DumpFormat): DumpFormat | { readonly wrong: string } {
  const [, count = '', letters = ''] = /^(\d*)(.*)$/s.exec(text)!;
  let format: ItemFormat | undefined;
  let size: ItemSize | undefined;
  for (const letter of letters) {
    if (isFormat(letter)) format = letter;
    else if (Object.hasOwn(SIZES, letter)) size = SIZES[letter];
    else return { wrong: letter };
  }
  return {
    count: count === '' ? 1 : Math.min(Number(count), MAX_COUNT),
    format: format ?? last.format,
    size: size ?? last.size,
  };
}

function isFormat(letter: string): letter is ItemFormat {
  return 'xduoci'.includes(letter);
}

/** One item of memory in one of the formats, in columns as wide as its largest value. */
function formatItem(value: bigint, format: ItemFormat, size: ItemSize): string {
  const bits = size * 8;
  switch (format) {
    case 'd':
      // As QEMU has it: only the largest items have a sign.
      return String(BigInt.asIntN(64, value)).padStart(Math.ceil((bits * 10) / 33));
    case 'u':
      return String(value).padStart(Math.ceil((bits * 10) / 33));
    case 'o':
      return (value === 0n ? '0' : `0${value.toString(8)}`).padStart(Math.ceil(bits / 3));
    case 'c':
      return formatCharacter(Number(value));
    default:
      return `0x${value.toString(16).padStart(bits / 4, '0')}`;
  }
}

/** One number as `print` shows it: no wider than it is. */
export function printNumber(value: bigint, format: ItemFormat): string {
  const unsigned = BigInt.asUintN(64, value);
  switch (format) {
    case 'x':
      return unsigned === 0n ? '0' : `0x${unsigned.toString(16)}`;
    case 'o':
      return unsigned === 0n ? '0' : `0${unsigned.toString(8)}`;
    case 'u':
      return String(unsigned);
    case 'c':
      return formatCharacter(Number(BigInt.asIntN(32, value)));
    default:
      return String(BigInt.asIntN(64, value));
  }
}

/** Bytes of a line of a dump. */
export function lineLength(size: ItemSize): number {
  return size === 1 ? 8 : 16;
}

/** What follows the address in a line of a dump. */
export function formatLine(bytes: Uint8Array, format: ItemFormat, size: ItemSize): string {
  const step = format === 'c' ? 1 : size;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const items: string[] = [];
  for (let at = 0; at < bytes.length; at += step)
    items.push(formatItem(readItem(buffer, at, step), format, step));
  return items.map((item) => ` ${item}`).join('');
}

function readItem(buffer: Buffer, at: number, size: ItemSize): bigint {
  return size === 8 ? buffer.readBigUInt64LE(at) : BigInt(buffer.readUIntLE(at, size));
}

const ESCAPES: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 39: "\\'", 92: '\\\\' };

function formatCharacter(code: number): string {
  const shown =
    ESCAPES[code] ??
    (code >= 32 && code < 127
      ? String.fromCharCode(code)
      : `\\x${(code >>> 0).toString(16).padStart(2, '0')}`);
  return `'${shown}'`;
}
