import type { CommandCall } from '../commands/command-call.js';
import type { Machine } from '../machine.js';
import type { OptionValues } from '../options/option-group.js';
import type { DumpFormat } from './dump-format.js';

/** What a command of the human monitor takes, in order. */
export interface ArgumentDefinition {
  readonly name: string;
  readonly kind: ArgumentKind;
  /** `dot`: given after a dot that stands alone. */
  readonly optional?: true | 'dot';
}

export type ArgumentKind =
  /** A word, or text in double quotes. */
  | 'string'
  /** A file's name; a string with an error text of its own. */
  | 'filename'
  /** A drive's name; as above. */
  | 'block-device'
  /** All that is left of the line. */
  | 'rest'
  /** `key=value,…` of a device. */
  | 'options'
  /** A number, or an expression of numbers, of 64 bits. */
  | 'expression'
  /** The same, not negative and of 32 bits. */
  | 'integer'
  /** `on` or `off`. */
  | 'switch'
  /** `-x`, where x is the name. */
  | 'flag'
  /** `-x VALUE`, where x is the name. */
  | 'option'
  /** `/COUNT FORMAT SIZE`; always has a value. */
  | 'format';

export type ArgumentValue = string | bigint | boolean | DumpFormat | OptionValues;

/** The arguments that were given, by name. */
export class MonitorArguments {
  readonly #values: ReadonlyMap<string, ArgumentValue>;

  constructor(values: ReadonlyMap<string, ArgumentValue>) {
    this.#values = values;
  }

  text(name: string): string {
    return String(this.#values.get(name) ?? '');
  }

  optionalText(name: string): string | undefined {
    return this.#values.has(name) ? this.text(name) : undefined;
  }

  number(name: string): bigint {
    return this.optionalNumber(name) ?? 0n;
  }

  optionalNumber(name: string): bigint | undefined {
    const value = this.#values.get(name);
    return typeof value === 'bigint' ? value : undefined;
  }

  isOn(name: string): boolean {
    return this.#values.get(name) === true;
  }

  format(name: string): DumpFormat {
    return this.#values.get(name) as DumpFormat;
  }

  options(name: string): OptionValues {
    return (this.#values.get(name) ?? {}) as OptionValues;
  }
}

/** The person at an interactive monitor. */
export interface MonitorTerminal {
  /** Lines typed before, the oldest first. */
  readonly history: readonly string[];
  /** Asks for a line that is not shown. */
  readPassword(): Promise<string>;
  /** No more lines are read, and there is no prompt: the machine ends. */
  suspend(): void;
}

/** What a command of the human monitor acts on. */
export interface MonitorContext extends CommandCall {
  readonly machine: Machine;
  /** Absent for human-monitor-command. */
  readonly terminal?: MonitorTerminal;
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
  /** What may follow it in place of arguments. */
  readonly subcommands?: readonly MonitorCommand[];
  /** Can be used before the machine is built. */
  readonly preconfig?: true;
  /** What can stand for an argument, by its position from 0; those that do not begin like what was typed are left out. */
  readonly completions?: (
    context: MonitorContext,
    position: number,
  ) => readonly string[] | Promise<readonly string[]>;
  /** Returns what is printed, lines ended by `\n`; what it throws is printed as an error. */
  run(args: MonitorArguments, context: MonitorContext): Promise<string> | string;
}

/** Whether a command can be typed by this name. */
export function isNamed({ name, alias }: MonitorCommand, typed: string): boolean {
  return typed === name || (alias !== undefined && typed === alias);
}

/** How lists and errors name a command. */
export function labelOf({ name, alias }: MonitorCommand): string {
  return alias === undefined ? name : `${name}|${alias}`;
}

/** A command that prints nothing when it succeeds. */
export async function quietly(done: Promise<unknown> | unknown): Promise<string> {
  await done;
  return '';
}
