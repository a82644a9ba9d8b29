import { type ArgumentDefinition, type ArgumentValue, MonitorArguments } from './command.js';
import { parseDumpFormat } from './dump-format.js';
import { parseExpression } from './expression.js';
import { MonitorError } from './monitor-error.js';

/** What an argument that is missing would have been. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: 'string expected',
  filename: 'filename expected',
  rest: 'string expected',
};

/**
 * Reads the arguments of a command.
 * @param name what errors call the command
 * @throws MonitorError
 */
export function parseMonitorArguments(
  name: string,
  definitions: readonly ArgumentDefinition[],
  text: string,
): MonitorArguments {
  const values = new Map<string, ArgumentValue>();
  let rest = text;
  for (const definition of definitions) {
    rest = definition.kind === 'format' ? rest : rest.trimStart();
    rest = parseArgument(name, definition, rest, values);
  }
  if (rest.trim() !== '') throw new MonitorError(`${name}: extraneous characters at the end of line`);
  return new MonitorArguments(values);
}

/** Takes one argument off the front of `text` and returns what is left. */
function parseArgument(
  command: string,
  { name, kind, optional }: ArgumentDefinition,
  text: string,
  values: Map<string, ArgumentValue>,
): string {
  if (kind === 'format') return parseFormat(command, name, text, values);
  if (kind === 'flag') {
    const match = new RegExp(`^-${name}(?=\\s|$)`).exec(text);
    if (match === null) return text;
    values.set(name, true);
    return text.slice(match[0].length);
  }
  if (kind === 'option') {
    const match = new RegExp(`^-${name}\\s+(?=\\S)`).exec(text);
    if (match === null) return text;
    const [word, after] = takeWord(command, text.slice(match[0].length));
    values.set(name, word);
    return after;
  }
  if (kind === 'dotted') {
    if (!text.startsWith('.')) return text;
    return parseInteger(command, name, text.slice(1).trimStart(), values);
  }
  if (text === '') {
    if (optional) return text;
    if (kind === 'expression' || kind === 'integer') throw new MonitorError('unexpected end of expression');
    throw new MonitorError(`${command}: ${EXPECTED[kind] ?? 'argument expected'}`);
  }
  switch (kind) {
    case 'rest':
      values.set(name, text.trimEnd());
      return '';
    case 'expression': {
      const { value, end } = parseExpression(text, 0);
      values.set(name, value);
      return text.slice(end);
    }
    case 'integer':
      return parseInteger(command, name, text, values);
    case 'switch': {
      const [word, after] = takeWord(command, text);
      if (word !== 'on' && word !== 'off') throw new MonitorError(`${command}: Expecting 'on' or 'off'`);
      values.set(name, word === 'on');
      return after;
    }
    default: {
      const [word, after] = takeWord(command, text);
      values.set(name, word);
      return after;
    }
  }
}

function parseInteger(
  command: string,
  name: string,
  text: string,
  values: Map<string, ArgumentValue>,
): string {
  const { value, end } = parseExpression(text, 0);
  if (BigInt.asUintN(64, value) >> 32n !== 0n) {
    throw new MonitorError(`'${command}' has failed: integer is for 32-bit values`);
  }
  values.set(name, value);
  return text.slice(end);
}

function parseFormat(
  command: string,
  name: string,
  text: string,
  values: Map<string, ArgumentValue>,
): string {
  const match = /^\s*\/(\S*)/.exec(text);
  if (match === null) return text;
  const format = parseDumpFormat(match[1]!);
  if (format === undefined) throw new MonitorError(`invalid char in format: '${match[1]}' (${command})`);
  values.set(name, format);
  return text.slice(match[0].length);
}

/** A word, or what stands in double quotes. */
function takeWord(command: string, text: string): [string, string] {
  if (!text.startsWith('"')) {
    const [word] = /^\S+/.exec(text)!;
    return [word, text.slice(word.length)];
  }
  let word = '';
  for (let at = 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return [word, text.slice(at + 1)];
    if (character === '\\') {
      at++;
      word += text[at] === 'n' ? '\n' : (text[at] ?? '');
    } else word += character;
  }
  throw new MonitorError(`${command}: unterminated string`);
}
