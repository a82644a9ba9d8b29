import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const godwit = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));

export interface DeviceProcess {
  readonly child: ChildProcess;
  /** Exit code and signal, once it has ended. */
  readonly exit: Promise<[number | null, string | null]>;
  /** What it said first. */
  readonly line: string;
}

/** Starts `godwit device serve`; resolves with its first line on standard error, which it writes when it serves. */
export function serveDevice(...args: string[]): Promise<DeviceProcess> {
  return startServer(godwit, 'device', 'serve', ...args);
}

/** As {@link serveDevice}, for a server of one's own. */
export async function startServer(script: string, ...args: string[]): Promise<DeviceProcess> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines = createInterface({ input: child.stderr });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const [line] = (await once(lines, 'line')) as [string];
  return { child, exit, line };
}
