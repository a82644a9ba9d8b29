import { OPTION_GROUPS } from '../options/groups.js';
import { OptionError } from '../options/option-error.js';
import { parseOptionGroup } from '../options/option-group.js';
import {
  type ArgumentDefinition,
  type ArgumentValue,
  MonitorArguments,
  type MonitorContext,
} from './command.js';
import { parseDumpFormat } from './dump-format.js';
import { parseExpression } from './expression.js';
import { MonitorError } from './monitor-error.js';
import { registersOf } from './registers.js';
import { readWord, withoutBlanks } from './words.js';

/** What an argument that is missing would have been. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: 'string expected',
  filename: 'filename expected',
  'block-device': 'block device name expected',
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
  context: MonitorContext,
): MonitorArguments {
  const reader = new ArgumentReader(name, text, context);
  definitions.forEach((definition, index) => {
    reader.read(definition, definitions.slice(index + 1));
  });
  return reader.end();
}

class ArgumentReader {
  readonly #command: string;
  readonly #context: MonitorContext;
  readonly #values = new Map<string, ArgumentValue>();
  #rest: string;

  constructor(command: string, text: string, context: MonitorContext) {
    this.#command = command;
    this.#rest = text;
    this.#context = context;
  }

  /** Takes one argument off the front of what is left. */
  read(definition: ArgumentDefinition, later: readonly ArgumentDefinition[]): void {
    this.#rest = withoutBlanks(this.#rest);
    const { name, kind } = definition;
    switch (kind) {
      case 'flag':
      case 'option':
        this.#flag(definition, later);
        return;
      case 'format':
        this.#format(name);
        return;
      case 'rest':
        if (this.#rest !== '') this.#values.set(name, this.#rest);
        else if (definition.optional !== true) throw this.#error('string expected');
        this.#rest = '';
        return;
      case 'options':
        this.#options(name);
        return;
      case 'switch': {
        const [word] = /^[^ \t-\r]*/.exec(this.#rest)!;
        if (word !== 'on' && word !== 'off') throw new MonitorError("Expected 'on' or 'off'");
        this.#values.set(name, word === 'on');
        this.#rest = this.#rest.slice(word.length);
        return;
      }
      case 'integer':
      case 'expression':
        this.#expression(definition);
        return;
      default: {
        if (this.#rest === '' && definition.optional) return;
        const word = this.#word();
        if (word === undefined) throw this.#error(EXPECTED[kind] ?? 'string expected');
        this.#values.set(name, word);
      }
    }
  }

  /** @throws MonitorError when something is left */
  end(): MonitorArguments {
    if (withoutBlanks(this.#rest) !== '') throw this.#error('extraneous characters at the end of line');
    return new MonitorArguments(this.#values);
  }

  #flag({ name, kind }: ArgumentDefinition, later: readonly ArgumentDefinition[]): void {
    if (!this.#rest.startsWith('-')) return;
    const letter = this.#rest[1] ?? '';
    if (letter !== name) {
      const known = later.some((other) => isFlag(other) && other.name === letter);
      if (!known) throw this.#error(`unsupported option -${letter}`);
      return;
    }
    this.#rest = this.#rest.slice(2);
    if (kind === 'flag') {
      this.#values.set(name, true);
      return;
    }
    const word = this.#word();
    if (word === undefined) throw this.#error(`value expected for -${name}`);
    this.#values.set(name, word);
  }

  #format(name: string): void {
    const { dumpDefaults } = this.#context.machine;
    const given = /^\/([^ \t-\r]*)/.exec(this.#rest);
    if (given === null) {
      this.#values.set(name, { ...dumpDefaults.last, count: 1 });
      return;
    }
    const format = parseDumpFormat(given[1]!, dumpDefaults.last);
    if ('wrong' in format) throw new MonitorError(`invalid char in format: '${format.wrong}'`);
    dumpDefaults.last = format.format === 'i' ? { ...format, size: dumpDefaults.last.size } : format;
    this.#values.set(name, format);
    this.#rest = this.#rest.slice(given[0].length);
  }

  #options(name: string): void {
    if (this.#rest === '') return;
    const word = this.#word();
    if (word === undefined) throw new MonitorError('');
    try {
      this.#values.set(name, parseOptionGroup(OPTION_GROUPS.device, word));
    } catch (error) {
      if (!(error instanceof OptionError)) throw error;
      throw new MonitorError(error.withHint);
    }
  }

  #expression({ name, kind, optional }: ArgumentDefinition): void {
    if (optional === 'dot') {
      // An argument of its own after a dot: `i/x 0x70 . 3`.
      if (!this.#rest.startsWith('.')) return;
      this.#rest = this.#rest.slice(1);
    } else if (optional && this.#rest === '') return;
    const { value, end } = parseExpression(this.#rest, 0, registersOf(this.#context));
    if (kind === 'integer' && value >> 32n !== 0n) {
      throw new MonitorError(`'${this.#command}' has failed: integer is for 32-bit values`);
    }
    this.#values.set(name, value);
    this.#rest = this.#rest.slice(end);
  }

  /** Takes a word; undefined where there is none, or the end of its quotes is missing. */
  #word(): string | undefined {
    const word = readWord(this.#rest, 0);
    if (word === undefined) return undefined;
    this.#rest = this.#rest.slice(word.end);
    return word.text;
  }

  #error(message: string): MonitorError {
    return new MonitorError(`${this.#command}: ${message}`);
  }
}

function isFlag({ kind }: ArgumentDefinition): boolean {
  return kind === 'flag' || kind === 'option';
}
