import { FLAGS, type FlagDefinition } from '../options/flags.js';

const COLUMN = 26;

/** The text of -help. */
export function helpText(): string {
  const rows = Object.entries(FLAGS).map(([name, definition]: [string, FlagDefinition]) => {
    const usage = definition.kind === 'switch' ? `-${name}` : `-${name} ${definition.argument}`;
    const gap = usage.length < COLUMN ? ' '.repeat(COLUMN - usage.length) : `\n${' '.repeat(COLUMN)}`;
    return `${usage}${gap}${definition.help}`;
  });
  return `usage: godwit machine [options]\n\n${rows.join('\n')}\n`;
}
