import type { CommandIo } from './command-io.js';

/** A subcommand: its arguments in, its exit code out. */
interface Subcommand {
  readonly summary: string;
  load(): Promise<{ run(args: string[], io: CommandIo): Promise<number> }>;
}

/** Every subcommand. Each is loaded when it is used, so that none pays for another. */
const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  demo: {
    summary: 'migrate a guest between two machines, and show how it went',
    load: () => import('./demo/index.js'),
  },
  device: {
    summary: 'check migratable devices by the rules, and serve them over vfio-user',
    load: () => import('./device/index.js'),
  },
  machine: { summary: 'run a machine', load: () => import('./machine.js') },
  qmp: { summary: 'send one QMP command and print the reply', load: () => import('./qmp.js') },
  qapi: { summary: 'work with QAPI schemas', load: () => import('./qapi/index.js') },
};

/** Runs `godwit`; returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const io: CommandIo = { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr };
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.stdout.write(usage());
    return name === undefined ? 1 : 0;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (subcommand === undefined) {
    io.stderr.write(`godwit: '${name}' is not a command; see godwit --help\n`);
    return 1;
  }
  const { run } = await subcommand.load();
  return run(rest, io);
}

function usage(): string {
  const rows = Object.entries(SUBCOMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`);
  return `usage: godwit COMMAND [ARGUMENTS]\n\n${rows.join('\n')}\n`;
}
