import { JsonDouble, type JsonValue } from './value.js';

export interface StringifyOptions {
  /** One member or element per line, indented by four spaces. */
  readonly pretty?: boolean;
  /** No spaces after the separators. */
  readonly compact?: boolean;
  /**
   * How doubles are written. `text` (the default) keeps the literal that was read, so that nothing is lost and a double
   * stays one; `printf` writes the value as C's `%.17g`, which is what QEMU does.
   */
  readonly doubles?: 'text' | 'printf';
}

/**
 * A value as JSON text with QEMU's separators (`": "` and `", "`), in ASCII only.
 * @throws TypeError for NaN, and for what is no JSON value
 */
export function stringify(value: JsonValue, options: StringifyOptions = {}): string {
  const printf = options.doubles === 'printf';
  if (options.pretty === true) return writePretty(value, printf, '\n');
  return options.compact === true ? write(value, printf, ',', ':') : write(value, printf, ', ', ': ');
}

function write(value: JsonValue, printf: boolean, comma: string, colon: string): string {
  if (typeof value !== 'object' || value === null || value instanceof JsonDouble) {
    return writeScalar(value, printf);
  }
  let text = '';
  if (Array.isArray(value)) {
    for (const element of value) {
      if (text !== '') text += comma;
      text += write(element, printf, comma, colon);
    }
    return `[${text}]`;
  }
  for (const key in value) {
    if (text !== '') text += comma;
    text += quote(key) + colon + write(value[key]!, printf, comma, colon);
  }
  return `{${text}}`;
}

function writePretty(value: JsonValue, printf: boolean, newline: string): string {
  if (typeof value !== 'object' || value === null || value instanceof JsonDouble) {
    return writeScalar(value, printf);
  }
  const inner = `${newline}    `;
  let text = '';
  if (Array.isArray(value)) {
    for (const element of value) {
      text += `${text === '' ? '' : ','}${inner}${writePretty(element, printf, inner)}`;
    }
    return `[${text}${newline}]`;
  }
  for (const key in value) {
    text += `${text === '' ? '' : ','}${inner}${quote(key)}: ${writePretty(value[key]!, printf, inner)}`;
  }
  return `{${text}${newline}}`;
}

function writeScalar(value: JsonValue, printf: boolean): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      if (Number.isSafeInteger(value)) return Object.is(value, -0) ? '0' : `${value}`;
      return writeDouble(value, printf);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'bigint':
      return `${value}`;
    default:
      if (value === null) return 'null';
      if (value instanceof JsonDouble) {
        return !printf && value.text !== undefined ? value.text : writeDouble(value.value, printf);
      }
      throw new TypeError(`not a JSON value: ${typeof value}`);
  }
}

function writeDouble(value: number, printf: boolean): string {
  if (Number.isNaN(value)) throw new TypeError('NaN has no JSON text');
  // A literal beyond the range of doubles is infinite, and reads as infinite again.
  if (!Number.isFinite(value)) return value < 0 ? '-1e999' : '1e999';
  if (printf) return printf17g(value);
  const text = `${value}`;
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** `%.17g` of C. */
function printf17g(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, exponentText] = value.toExponential(16).split('e') as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 17) {
    const digits = Math.abs(exponent).toString().padStart(2, '0');
    return `${withoutTrailingZeros(mantissa)}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  return withoutTrailingZeros(value.toFixed(16 - exponent));
}

function withoutTrailingZeros(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** What cannot stand in a string as it is. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const special = /["\\\u0000-\u001f\u007f-\uffff]/;

const shortEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quote(text: string): string {
  if (!special.test(text)) return `"${text}"`;
  let escaped = '';
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!;
    const unit = text.charCodeAt(index);
    const short = shortEscapes[character];
    if (short !== undefined) escaped += short;
    else if (unit < 0x20 || unit >= 0x7f) escaped += unicodeEscape(validUnit(text, index));
    else escaped += character;
  }
  return `"${escaped}"`;
}

function unicodeEscape(unit: number): string {
  return `\\u${unit.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The UTF-16 unit at `index`; half a surrogate pair, which no reader takes, becomes U+FFFD. */
function validUnit(text: string, index: number): number {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdfff) return unit;
  const isLeading = unit < 0xdc00;
  const other = text.charCodeAt(isLeading ? index + 1 : index - 1);
  const paired = isLeading ? other >= 0xdc00 && other <= 0xdfff : other >= 0xd800 && other <= 0xdbff;
  return paired ? unit : 0xfffd;
}
