import { parseMonitorArguments } from './arguments.js';
import type { MonitorCommand, MonitorContext } from './command.js';
import { MONITOR_COMMANDS } from './commands.js';
import { INFO_COMMANDS } from './info-commands.js';
import { MonitorError } from './monitor-error.js';

/**
 * Executes one line of the human monitor. What is wrong with a line is printed, never thrown.
 * @returns what is printed; lines end in `\r\n`
 */
export async function executeLine(line: string, context: MonitorContext): Promise<string> {
  return (await run(line, context)).replaceAll(/\r?\n/g, '\r\n');
}

async function run(line: string, context: MonitorContext): Promise<string> {
  const [, name = '', rest = ''] = /^\s*([^\s/]*)(.*)$/s.exec(line) ?? [];
  if (name === '') return '';
  if (name === 'help' || name === '?') return help(rest.trim());
  if (name === 'info') return info(rest.trim(), context);
  const command = find(MONITOR_COMMANDS, name);
  if (command === undefined) return `unknown command: '${name}'\n`;
  return runCommand(
    command,
    command.alias === undefined ? name : `${command.name}|${command.alias}`,
    name,
    rest,
    context,
  );
}

async function info(line: string, context: MonitorContext): Promise<string> {
  const [, name = '', rest = ''] = /^(\S*)(.*)$/s.exec(line) ?? [];
  if (name === '') return listOf(INFO_COMMANDS, 'info ');
  const command = find(INFO_COMMANDS, name);
  if (command === undefined) return `unknown command: 'info ${name}'\n`;
  return runCommand(command, name, `info ${name}`, rest, context);
}

/**
 * @param label what errors in the arguments call the command
 * @param typed what the user typed, for the pointer to help
 */
async function runCommand(
  command: MonitorCommand,
  label: string,
  typed: string,
  rest: string,
  context: MonitorContext,
): Promise<string> {
  let args: ReturnType<typeof parseMonitorArguments>;
  try {
    args = parseMonitorArguments(label, command.arguments, rest);
  } catch (error) {
    if (!(error instanceof MonitorError)) throw error;
    return `${error.message}\nTry "help ${typed}" for more information\n`;
  }
  try {
    return await command.run(args, context);
  } catch (error) {
    if (error instanceof MonitorError) return `${error.message}\n`;
    return `Error: ${error instanceof Error ? error.message : String(error)}\n`;
  }
}

function help(line: string): string {
  const [name, sub] = line.split(/\s+/);
  if (name === undefined || name === '') {
    return listOf(
      [...MONITOR_COMMANDS, INFO_ENTRY, HELP_ENTRY].sort((a, b) => (a.name < b.name ? -1 : 1)),
      '',
    );
  }
  if (name === 'info') {
    if (sub === undefined) return listOf(INFO_COMMANDS, 'info ');
    const command = find(INFO_COMMANDS, sub);
    return command === undefined ? `unknown command: 'info ${sub}'\n` : listOf([command], 'info ');
  }
  const command = find([...MONITOR_COMMANDS, HELP_ENTRY], name);
  return command === undefined ? `unknown command: '${name}'\n` : listOf([command], '');
}

type Listed = Pick<MonitorCommand, 'name' | 'alias' | 'usage' | 'help'>;

const HELP_ENTRY: Listed = { name: 'help', alias: '?', usage: '[cmd]', help: 'show the help' };
const INFO_ENTRY: Listed = {
  name: 'info',
  usage: '[subcommand]',
  help: 'show various information about the system state',
};

function listOf(commands: readonly Listed[], prefix: string): string {
  return commands
    .map(
      ({ name, alias, usage, help }) =>
        `${prefix}${alias === undefined ? name : `${name}|${alias}`} ${usage} -- ${help}\n`,
    )
    .join('');
}

function find<T extends Listed>(commands: readonly T[], name: string): T | undefined {
  return commands.find((command) => command.name === name || command.alias === name);
}
