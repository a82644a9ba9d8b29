import { OptionError } from '../options/option-error.js';
import { parseMonitorArguments } from './arguments.js';
import { isNamed, labelOf, type MonitorCommand, type MonitorContext } from './command.js';
import { MONITOR_COMMANDS } from './commands.js';
import { helpText } from './help.js';
import { INFO_COMMANDS } from './info-commands.js';
import { MonitorError } from './monitor-error.js';
import { withoutBlanks } from './words.js';

const HELP: MonitorCommand = {
  name: 'help',
  alias: '?',
  arguments: [{ name: 'name', kind: 'rest', optional: true }],
  usage: '[cmd]',
  help: 'show the help',
  preconfig: true,
  run: (args, context) => helpText(MONITOR_TABLE, args.text('name'), context),
};

const INFO: MonitorCommand = {
  name: 'info',
  arguments: [{ name: 'item', kind: 'string', optional: true }],
  usage: '[subcommand]',
  help: 'show various information about the system state',
  preconfig: true,
  subcommands: [...INFO_COMMANDS].sort(byName),
  run: (_, context) => helpText(MONITOR_TABLE, 'info', context),
};

/** Every command, in the order in which they are listed. */
export const MONITOR_TABLE: readonly MonitorCommand[] = [...MONITOR_COMMANDS, HELP, INFO].sort(byName);

function byName(a: MonitorCommand, b: MonitorCommand): number {
  return a.name < b.name ? -1 : 1;
}

/**
 * Executes one line of the human monitor. What is wrong with a line is printed, never thrown.
 * @returns what is printed; lines end in `\r\n`
 */
export async function executeLine(line: string, context: MonitorContext): Promise<string> {
  return (await run(line, context)).replaceAll(/\r?\n/g, '\r\n');
}

async function run(line: string, context: MonitorContext): Promise<string> {
  const found = findCommand(line, 0, MONITOR_TABLE, context);
  if (found === undefined) return '';
  if (typeof found === 'string') return `${found}\n`;
  const { command, end } = found;
  let args: ReturnType<typeof parseMonitorArguments>;
  try {
    args = parseMonitorArguments(labelOf(command), command.arguments, line.slice(end), context);
  } catch (error) {
    return `${errorText(error)}\nTry "help ${line.slice(0, end).trimEnd()}" for more information\n`;
  }
  try {
    return await command.run(args, context);
  } catch (error) {
    return `${errorText(error)}\n`;
  }
}

interface Found {
  readonly command: MonitorCommand;
  /** Where its arguments begin. */
  readonly end: number;
}

/** The command that stands at `start` of a line; what is wrong with it; undefined for a blank line. */
function findCommand(
  line: string,
  start: number,
  table: readonly MonitorCommand[],
  context: MonitorContext,
): Found | string | undefined {
  const [word, name = ''] = /^[ \t-\r]*([^ \t-\r/]*)/.exec(line.slice(start))!;
  const end = start + word.length;
  if (start + word.length - name.length === line.length) return undefined;
  const command = table.find((each) => isNamed(each, name));
  if (command === undefined) return `unknown command: '${line.slice(0, end)}'`;
  if (context.machine.phase === 'preconfig' && command.preconfig !== true) {
    return `Command '${line.slice(0, end)}' not available until machine initialization has completed.`;
  }
  if (command.subcommands === undefined || withoutBlanks(line.slice(end)) === '') return { command, end };
  return findCommand(line, end, command.subcommands, context);
}

/** What is wrong with a line stands alone; what went wrong with a command is said to be an error. */
function errorText(error: unknown): string {
  if (error instanceof MonitorError) return error.message;
  if (error instanceof OptionError) return `Error: ${error.withHint}`;
  return `Error: ${error instanceof Error ? error.message : String(error)}`;
}
