import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CommandTable, runOneOf } from './command.js';
import type { Io } from './io.js';

const COMMANDS: CommandTable = {
  demo: {
    summary: 'migrate a guest between two machines, and show how it went',
    load: () => import('./demo/index.js'),
  },
  machine: { summary: "run a machine, with QEMU's options", load: () => import('./machine.js') },
  qmp: {
    summary: 'send a QMP command to a machine, ours or QEMU, and print the reply',
    load: () => import('./qmp.js'),
  },
  timeline: {
    summary: 'watch a migration, and draw where its time went',
    load: () => import('./timeline/index.js'),
  },
  qapi: {
    summary: 'check QAPI schemas, and generate TypeScript from them',
    load: () => import('./qapi/index.js'),
  },
  device: {
    summary: 'check migratable devices by the rules, and serve them over vfio-user',
    load: () => import('./device/index.js'),
  },
};

/** What a shell has of a process that SIGPIPE ended; Node makes an error of the stream out of it. */
const PIPE_CLOSED = 141;

/** Runs `godwit`; returns the exit code. */
export async function main(args: readonly string[], io: Io = process): Promise<number> {
  if (args[0] === '--version') {
    io.stdout.write(`godwit ${version()}\n`);
    return 0;
  }
  return runOneOf('godwit', COMMANDS, args, io);
}

/** Runs `godwit` as this process, whose exit code it sets. It ends without a word when nobody reads its output any more. */
export async function start(args: readonly string[]): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exitCode ||= PIPE_CLOSED;
  });
  const code = await main(args);
  if (code !== 0) process.exitCode = code;
}

function version(): string {
  const file = fileURLToPath(import.meta.resolve('godwit/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
