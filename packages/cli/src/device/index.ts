import type { Io } from '../io.js';
import { runSubcommand, type SubcommandTable } from '../subcommands.js';

const subcommands: SubcommandTable = {
  check: () => import('./check.js'),
  serve: () => import('./serve.js'),
};

/** `godwit device SUBCOMMAND …` */
export function run(args: readonly string[], io: Io): Promise<number> {
  return runSubcommand('device', subcommands, args, io);
}
