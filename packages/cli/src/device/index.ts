import type { CommandIo } from '../command-io.js';
import { run as check, usage } from './check.js';

/** Runs `godwit device SUBCOMMAND …`. Exit codes are those of the subcommand; 2 for a wrong call. */
export async function run(args: string[], io: CommandIo): Promise<number> {
  const [name, ...rest] = args;
  if (name === 'check') return check(rest, io);
  const isHelp = name === '--help' || name === '-h';
  if (name !== undefined && !isHelp) io.stderr.write(`device has no subcommand '${name}'\n`);
  (isHelp ? io.stdout : io.stderr).write(`usage: ${usage}\n`);
  return isHelp ? 0 : 2;
}
