import type { Io } from '../io.js';
import { runSubcommand, type SubcommandTable } from '../subcommands.js';

const subcommands: SubcommandTable = {
  check: () => import('./check.js'),
  dump: () => import('./dump.js'),
  gen: () => import('./gen.js'),
  introspect: () => import('./introspect.js'),
};

/** `godwit qapi SUBCOMMAND …` */
export function run(args: readonly string[], io: Io): Promise<number> {
  return runSubcommand('qapi', subcommands, args, io);
}
