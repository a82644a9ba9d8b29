import { OptionError } from './option-error.js';

/** Powers of 1024 by the suffix that stands for them, in lower case. */
const SIZE_SUFFIXES = 'bkmgtpe';

const MAX_UINT64 = 2n ** 64n - 1n;

/** `on` or `off`; `yes`, `no`, `true` and `false` are taken as well. */
export function parseBoolean(name: string, text: string): boolean {
  switch (text) {
    case 'on':
    case 'yes':
    case 'true':
    case 'y':
      return true;
    case 'off':
    case 'no':
    case 'false':
    case 'n':
      return false;
    default:
      throw new OptionError(`Parameter '${name}' expects 'on' or 'off'`);
  }
}

/** A whole number below 2^64, decimal, hexadecimal (0x) or octal (0). */
export function parseNumber(name: string, text: string): bigint {
  const octal = /^0[0-7]+$/.test(text);
  if (!octal && !/^(?:0x[0-9a-f]+|\d+)$/i.test(text)) {
    throw new OptionError(`Parameter '${name}' expects a number`);
  }
  const value = BigInt(octal ? `0o${text.slice(1)}` : text);
  if (value > MAX_UINT64) throw new OptionError(`Value '${text}' is too large for parameter '${name}'`);
  return value;
}

/**
 * A number of bytes with an optional suffix: `512M`, `1.5G`, `0x1000`.
 * @param unit the suffix that a number without one means
 */
export function parseSize(name: string, text: string, unit: 'b' | 'm' = 'b'): bigint {
  const match = /^(0x[0-9a-f]+|\d+(?:\.\d*)?)([bkmgtpe])?$/i.exec(text);
  if (match === null) throw wrongSize(name);
  const [, digits = '', suffix = unit] = match;
  const factor = 1024n ** BigInt(SIZE_SUFFIXES.indexOf(suffix.toLowerCase()));
  const [whole = '0', fraction = ''] = digits.split('.');
  if (factor === 1n && /[1-9]/.test(fraction)) throw wrongSize(name);
  // Exact: the fraction is scaled as an integer, and rounded to a byte.
  const divisor = 10n ** BigInt(fraction.length);
  const value = BigInt(whole) * factor + (2n * BigInt(fraction || '0') * factor + divisor) / (2n * divisor);
  if (value > MAX_UINT64) throw new OptionError(`Value '${text}' is out of range for parameter '${name}'`);
  return value;
}

function wrongSize(name: string): OptionError {
  return new OptionError(`Parameter '${name}' expects a non-negative number below 2^64`, {
    hint: 'Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.',
  });
}

/** Letters, digits, `-`, `.` and `_`, starting with a letter. */
export function checkIdentifier(id: string): string {
  if (!/^[A-Za-z][\w.-]*$/.test(id)) {
    throw new OptionError("Parameter 'id' expects an identifier", {
      hint: "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.",
    });
  }
  return id;
}
