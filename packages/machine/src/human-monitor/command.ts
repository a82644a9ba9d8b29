import type { CommandCall } from '../commands/command-call.js';
import type { Machine } from '../machine.js';
import type { DumpFormat } from './dump-format.js';

/** What a command of the human monitor takes, in order. */
export interface ArgumentDefinition {
  readonly name: string;
  readonly kind: ArgumentKind;
  readonly optional?: true;
}

export type ArgumentKind =
  /** A word, or text in double quotes. */
  | 'string'
  /** A file's name; a string with an error text of its own. */
  | 'filename'
  /** All that is left of the line. */
  | 'rest'
  /** A number, or an expression of numbers. */
  | 'expression'
  /** An expression of 32 bits. */
  | 'integer'
  /** A dot, then an expression of 32 bits. */
  | 'dotted'
  /** `on` or `off`. */
  | 'switch'
  /** `-x`, where x is the name. */
  | 'flag'
  /** `-x VALUE`, where x is the name. */
  | 'option'
  /** `/COUNT FORMAT SIZE` right after the command. */
  | 'format';

export type ArgumentValue = string | bigint | boolean | DumpFormat;

/** The arguments that were given, by name. */
export class MonitorArguments {
  readonly #values: ReadonlyMap<string, ArgumentValue>;

  constructor(values: ReadonlyMap<string, ArgumentValue>) {
    this.#values = values;
  }

  given(name: string): boolean {
    return this.#values.has(name);
  }

  text(name: string): string {
    return String(this.#values.get(name) ?? '');
  }

  optionalText(name: string): string | undefined {
    return this.#values.has(name) ? this.text(name) : undefined;
  }

  number(name: string): bigint {
    const value = this.#values.get(name);
    return typeof value === 'bigint' ? value : 0n;
  }

  isOn(name: string): boolean {
    return this.#values.get(name) === true;
  }

  format(name: string): DumpFormat | undefined {
    const value = this.#values.get(name);
    return typeof value === 'object' ? value : undefined;
  }
}

/** What a command of the human monitor acts on. */
export interface MonitorContext extends CommandCall {
  readonly machine: Machine;
  /** The vCPU that commands look at; an interactive monitor keeps it from one line to the next. */
  cpuIndex: number;
}

export interface MonitorCommand {
  readonly name: string;
  /** Another, shorter name. */
  readonly alias?: string;
  readonly arguments: readonly ArgumentDefinition[];
  /** How the arguments are shown by help. */
  readonly usage: string;
  readonly help: string;
  /** Returns what is printed, lines ended by `\n`; what it throws is printed as an error. */
  run(args: MonitorArguments, context: MonitorContext): Promise<string> | string;
}
