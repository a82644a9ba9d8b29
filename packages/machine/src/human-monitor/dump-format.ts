/** How memory or a number is printed: `/4xw`. */
export interface DumpFormat {
  readonly count: number;
  /** x hexadecimal, d signed, u unsigned, o octal, c character, i instruction. */
  readonly format: 'x' | 'd' | 'u' | 'o' | 'c' | 'i';
  /** Bytes of an item; undefined when it was not given. */
  readonly size: 1 | 2 | 4 | 8 | undefined;
}

const SIZES = { b: 1, h: 2, w: 4, g: 8 } as const;

/** Reads what follows the slash; undefined when it is none. */
export function parseDumpFormat(text: string): DumpFormat | undefined {
  const match = /^(\d*)([xduoci]?)([bhwg]?)([xduoci]?)$/.exec(text);
  if (match === null) return undefined;
  const [, count = '', before = '', size = '', after = ''] = match;
  const format = (after || before || 'x') as DumpFormat['format'];
  return {
    count: count === '' ? 1 : Number(count),
    format,
    size: size === '' ? undefined : SIZES[size as keyof typeof SIZES],
  };
}

/** Columns of a number of `size` bytes, as wide as its largest value. */
const WIDTHS = {
  x: { 1: 2, 2: 4, 4: 8, 8: 16 },
  d: { 1: 4, 2: 6, 4: 11, 8: 20 },
  u: { 1: 3, 2: 5, 4: 10, 8: 20 },
  o: { 1: 3, 2: 6, 4: 11, 8: 22 },
} as const;

/** One number in one of the formats. */
export function formatNumber(value: bigint, format: DumpFormat['format'], size: 1 | 2 | 4 | 8): string {
  const unsigned = BigInt.asUintN(size * 8, value);
  switch (format) {
    case 'd':
      return String(BigInt.asIntN(size * 8, value)).padStart(WIDTHS.d[size] - 1);
    case 'u':
      return String(unsigned).padStart(WIDTHS.u[size]);
    case 'o':
      return `0${unsigned.toString(8).padStart(WIDTHS.o[size], '0')}`;
    case 'c':
      return formatCharacter(Number(unsigned & 0xffn));
    default:
      return `0x${unsigned.toString(16).padStart(WIDTHS.x[size], '0')}`;
  }
}

/** One number as `print` shows it: no wider than it is. */
export function printNumber(value: bigint, format: DumpFormat['format']): string {
  const unsigned = BigInt.asUintN(64, value);
  switch (format) {
    case 'x':
      return unsigned === 0n ? '0' : `0x${unsigned.toString(16)}`;
    case 'o':
      return unsigned === 0n ? '0' : `0${unsigned.toString(8)}`;
    case 'u':
      return String(unsigned);
    case 'c':
      return formatCharacter(Number(unsigned & 0xffn));
    default:
      return String(BigInt.asIntN(64, value));
  }
}

/** Items of 16 bytes a line, with the address of the first. */
export function formatDump(
  address: bigint,
  bytes: Uint8Array,
  format: DumpFormat['format'],
  size: 1 | 2 | 4 | 8,
): string {
  const lines: string[] = [];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let start = 0; start < bytes.length; start += 16) {
    const items: string[] = [];
    for (let at = start; at < Math.min(start + 16, bytes.length); at += size) {
      items.push(formatNumber(readItem(buffer, at, size), format, size));
    }
    lines.push(`${(address + BigInt(start)).toString(16).padStart(16, '0')}: ${items.join(' ')}\n`);
  }
  return lines.join('');
}

function readItem(buffer: Buffer, at: number, size: 1 | 2 | 4 | 8): bigint {
  return size === 8 ? buffer.readBigUInt64LE(at) : BigInt(buffer.readUIntLE(at, size));
}

const ESCAPES: Readonly<Record<number, string>> = { 10: '\\n', 13: '\\r', 39: "\\'", 92: '\\\\' };

function formatCharacter(code: number): string {
  const shown =
    ESCAPES[code] ??
    (code >= 32 && code < 127 ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, '0')}`);
  return `'${shown}'`;
}
