import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, delay } from '@godwit/clock';
import { MachineProcess } from '../src/demo/machine-process.js';

/** The command, seen from dist/bench. */
export const GODWIT = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));

const OPTIONS = ['-m', '512M', '-smp', '2', '-accel', 'sim,dirty-rate=200M,fill=on'];

export interface MachineFigures {
  /** From the start of the process to the reply to its first QMP command, in milliseconds. */
  readonly firstReplyMs: number;
  /** Resident memory but guest RAM of a machine whose guest runs, in bytes. */
  readonly residentBytes: number;
}

/** Starts a `godwit machine` without devices and looks at it. */
export async function machineFigures(clock: Clock): Promise<MachineFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  const path = join(folder, 'qmp');
  const startedAt = clock.now();
  const machine = new MachineProcess(
    GODWIT,
    'source',
    [...OPTIONS, '-qmp', `unix:${path},server=on,wait=off`],
    clock,
  );
  try {
    const client = await machine.connect(path, new AbortController().signal);
    await client.execute('query-status');
    const firstReplyMs = clock.now() - startedAt;
    await delay(clock, 2000);
    return { firstReplyMs, residentBytes: residentBytes(machine.pid) };
  } finally {
    await machine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Guest RAM is a memfd, which counts as shared memory; without the addon it cannot be told apart. */
function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return (kilobytes('RssAnon') + kilobytes('RssFile')) * 1024;
}
