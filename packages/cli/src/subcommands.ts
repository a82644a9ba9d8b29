import { Failure, type Io, UsageError } from './io.js';

export interface Subcommand {
  /** As `--help` prints it, from the word `godwit` on; may go on over several lines. */
  readonly usage: string;
  run(args: string[], io: Io): Promise<number>;
}

/** The subcommands of one command, each loaded when it is called. */
export type SubcommandTable = Readonly<Record<string, () => Promise<Subcommand>>>;

/**
 * Runs `godwit COMMAND SUBCOMMAND …`. Exit codes: what the subcommand returned; 1 for a {@link Failure}; 2 for a wrong
 * call, which also prints the usage.
 */
export async function runSubcommand(
  command: string,
  table: SubcommandTable,
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || !Object.hasOwn(table, name)) {
    const usages = await Promise.all(Object.values(table).map(async (load) => (await load()).usage));
    const out = name === '--help' ? io.stdout : io.stderr;
    if (name !== undefined && name !== '--help') io.stderr.write(`${command} has no subcommand '${name}'\n`);
    out.write(`usage: ${usages.join('\n       ')}\n`);
    return name === '--help' ? 0 : 2;
  }
  const { usage, run } = await table[name]!();
  try {
    return await run(rest, io);
  } catch (error) {
    if (error instanceof Failure) {
      io.stderr.write(`${error.message}\n`);
      return 1;
    }
    if (error instanceof UsageError || isArgumentError(error)) {
      io.stderr.write(`${error.message}\nusage: ${usage}\n`);
      return 2;
    }
    throw error;
  }
}

/** What `parseArgs` throws for an unknown option or a missing value. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS');
}
