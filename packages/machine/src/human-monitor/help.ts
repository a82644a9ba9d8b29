import { isNamed, labelOf, type MonitorCommand, type MonitorContext } from './command.js';
import { splitWords } from './words.js';

/** What `help` prints: one line for each command, or for the one that is named. */
export function helpText(
  table: readonly MonitorCommand[],
  text: string,
  { machine }: MonitorContext,
): string {
  const words = splitWords(text);
  if (words === undefined) return '';
  const available = ({ preconfig }: MonitorCommand): boolean =>
    machine.phase === 'ready' || preconfig === true;
  let commands = table;
  for (const [index, word] of words.entries()) {
    const before = words.slice(0, index);
    const command = commands.find((each) => isNamed(each, word) && available(each));
    if (command === undefined) return `unknown command: '${[...before, word].join(' ')}'\n`;
    if (command.subcommands === undefined) return entry(command, before);
    commands = command.subcommands;
  }
  return commands
    .filter(available)
    .map((command) => entry(command, words))
    .join('');
}

function entry(command: MonitorCommand, before: readonly string[]): string {
  return `${[...before, labelOf(command)].join(' ')} ${command.usage} -- ${command.help}\n`;
}
