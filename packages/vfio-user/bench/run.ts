// What region reads, DMA and migration data cost over vfio-user; one line for each figure.
// npm run bench:vfio-user [-- --peer COMMAND]: COMMAND SOCKET serves libvfio-user's sample device, to compare with.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeUnavailableReason } from '@godwit/native';
import { transferRates } from './transfers.js';

const { values } = parseArgs({ options: { peer: { type: 'string' } } });
if (nativeUnavailableReason !== undefined) {
  console.log(`skipped: the native addon is not there (${nativeUnavailableReason})`);
  process.exit(0);
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Both ends on one CPU, where that can be asked for. */
const pin = spawnSync('taskset', ['--version']).status === 0 ? ['taskset', '-c', '0'] : [];
const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));

/** Serves with each of the commands, and measures them in turns. */
async function readTimes(servers: readonly (readonly string[])[]): Promise<Record<string, number>[]> {
  const sockets = servers.map((_, index) => join(folder, `socket${index}`));
  const children: ChildProcess[] = [];
  try {
    for (const [index, server] of servers.entries()) {
      const [command, ...args] = [...pin, ...server, sockets[index]!];
      const child = spawn(command!, args, { stdio: 'ignore' });
      children.push(child);
      await socketOf(child, sockets[index]!);
    }
    const [program, ...rest] = [...pin, process.execPath, here('client.js'), ...sockets];
    return JSON.parse(execFileSync(program!, rest, { encoding: 'utf8' })) as Record<string, number>[];
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
}

async function socketOf(child: ChildProcess, path: string): Promise<void> {
  while (!existsSync(path)) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function line(name: string, value: string, goal: string): void {
  console.log(`${name.padEnd(46)} ${value.padStart(28)}  ${goal}`.trimEnd());
}

try {
  const server = [process.execPath, here('../conformance/sample-server.js')];
  const [ours, peer] = await readTimes(
    values.peer === undefined ? [server] : [server, values.peer.split(' ')],
  );
  for (const [kind, time] of Object.entries(ours!)) {
    const [size, outstanding] = kind.split(' ');
    const name = `region read of ${size} bytes, ${outstanding} outstanding`;
    const theirs = peer?.[kind];
    if (outstanding === '1') {
      const ratio = theirs === undefined ? '' : `  ${(time / theirs).toFixed(2)} × peer`;
      line(name, `${time.toFixed(1)} µs${ratio}`, 'at most 1.60 × peer');
    } else {
      const ratio = theirs === undefined ? '' : `  ${(theirs / time).toFixed(2)} × peer`;
      line(name, `${(1e3 / time).toFixed(0)} k/s${ratio}`, 'at least 0.60 × peer');
    }
  }
  for (const { name, rate, target } of await transferRates()) {
    line(name, `${rate.toFixed(2)} GiB/s`, `at least ${target} GiB/s`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
