import { Failure, type Io, UsageError } from './io.js';

/** One thing that `godwit` does. */
export interface Command {
  /** What `--help` prints: how it is called, then what it does. Undefined where the command has a help of its own. */
  readonly usage?: string;
  /** @returns the exit code. @throws Failure, UsageError, or what `parseArgs` of node:util throws */
  run(args: string[], io: Io): Promise<number>;
}

/** Commands by name. Each is loaded when it is used, so that none pays for another. */
export type CommandTable = Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>
>;

/**
 * Runs the command that `args` begin with. `help COMMAND` is the same as `COMMAND --help`.
 *
 * @param name of the table, as one types it: `godwit`, `godwit qapi`
 * @returns what the command returned; 1 after a {@link Failure}; 2 after a wrong call
 */
export async function runOneOf(
  name: string,
  table: CommandTable,
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [first, ...rest] = args;
  if (first === undefined || asksForHelp(first)) {
    (first === undefined ? io.stderr : io.stdout).write(overview(name, table));
    return first === undefined ? 2 : 0;
  }
  if (first === 'help') return runOneOf(name, table, [...rest, '--help'], io);
  const entry = Object.hasOwn(table, first) ? table[first] : undefined;
  if (entry === undefined) {
    io.stderr.write(`${name}: '${first}' is not a command; see ${name} --help\n`);
    return 2;
  }
  return runCommand(`${name} ${first}`, await entry.load(), rest, io);
}

async function runCommand(name: string, { usage, run }: Command, args: string[], io: Io): Promise<number> {
  if (usage !== undefined && args.some(asksForHelp)) {
    io.stdout.write(`usage: ${usage.trimEnd()}\n`);
    return 0;
  }
  try {
    return await run(args, io);
  } catch (error) {
    if (error instanceof Failure) {
      io.stderr.write(`${name}: ${error.message}\n`);
      return 1;
    }
    if (error instanceof UsageError || isArgumentError(error)) {
      // What parseArgs says goes on with advice on positional arguments.
      const [message] = error.message.split('. ');
      io.stderr.write(`${name}: ${message}; see ${name} --help\n`);
      return 2;
    }
    throw error;
  }
}

function overview(name: string, table: CommandTable): string {
  const width = Math.max(...Object.keys(table).map((command) => command.length)) + 3;
  const rows = Object.entries(table).map(
    ([command, { summary }]) => `  ${command.padEnd(width)}${summary}\n`,
  );
  return `usage: ${name} COMMAND [ARGUMENTS]\n\n${rows.join('')}\n${name} COMMAND --help tells more of each.\n`;
}

function asksForHelp(arg: string): boolean {
  return arg === '--help' || arg === '-h';
}

/** What `parseArgs` throws for an unknown option or a missing value. */
function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS');
}
