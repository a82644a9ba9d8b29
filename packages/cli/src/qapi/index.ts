import { Failure, type Io, UsageError } from './io.js';

interface Subcommand {
  readonly usage: string;
  run(args: string[], io: Io): Promise<number>;
}

/** The subcommands of `godwit qapi`, loaded when they are called. */
const subcommands: Readonly<Record<string, () => Promise<Subcommand>>> = {
  check: () => import('./check.js'),
  dump: () => import('./dump.js'),
  gen: () => import('./gen.js'),
  introspect: () => import('./introspect.js'),
};

/** Runs `godwit qapi SUBCOMMAND …`. Exit codes: 0, 1 for an error, 2 for a wrong call. */
export async function run(args: string[], io: Io): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || !Object.hasOwn(subcommands, name)) {
    const usages = await Promise.all(Object.values(subcommands).map(async (load) => (await load()).usage));
    const out = name === '--help' ? io.stdout : io.stderr;
    if (name !== undefined && name !== '--help') io.stderr.write(`qapi has no subcommand '${name}'\n`);
    out.write(`usage: ${usages.join('\n       ')}\n`);
    return name === '--help' ? 0 : 2;
  }
  const { usage, run: runSubcommand } = await subcommands[name]!();
  try {
    return await runSubcommand(rest, io);
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
