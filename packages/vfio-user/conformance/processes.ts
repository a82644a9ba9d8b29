import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

/** Runs a server until `use` is done with its socket. Rejects where the server ends before it listens. */
export async function withServer(
  command: readonly string[],
  socket: string,
  use: () => Promise<void>,
): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  try {
    while (!existsSync(socket)) {
      if (child.exitCode !== null)
        throw new Error(`the server ended with ${child.exitCode}: ${errors.trim()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await use();
  } finally {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
}
