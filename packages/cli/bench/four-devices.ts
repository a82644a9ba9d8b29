import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, delay } from '@godwit/clock';
import { migrateLive } from '../src/demo/live-migration.js';
import { type MachineClient, MachineProcess } from '../src/demo/machine-process.js';
import { guestIsReady } from '../src/demo/verification.js';
import type { Progress } from '../src/report/progress.js';
import { GODWIT } from './machine-figures.js';

export interface Downtime {
  readonly downtimeMs: number;
  /** RAM and device state that went while the guest was stopped. */
  readonly bytesLeft: number;
  /** Bytes per second that the source counted on. */
  readonly bandwidth: number;
}

const LIMIT_MS = 60_000;

const HARDWARE = [
  ...['-m', '256M', '-smp', '2', '-accel', 'sim,dirty-rate=100M,working-set=32M,fill=on'],
  ...['nic', 'nic', 'gpu', 'gpu'].flatMap((model, index) => [
    '-device',
    `vfio-model,model=${model},id=dev${index},migration-events=on,state-size=32M,dirty-rate=1M`,
  ]),
];

/** Migrates a running guest with four devices between two machines, and looks at its switchover. */
export async function downtimeOfFourDevices(clock: Clock): Promise<Downtime> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  const machines: MachineProcess[] = [];
  const { signal } = new AbortController();
  const start = (name: string, more: readonly string[] = []): Promise<MachineClient> => {
    const path = join(folder, `${name}.qmp`);
    const args = [...HARDWARE, '-qmp', `unix:${path},server=on,wait=off`, ...more];
    const machine = new MachineProcess(GODWIT, name, args, clock);
    machines.push(machine);
    return machine.connect(path, signal);
  };
  try {
    const destination = await start('destination', ['-incoming', 'defer']);
    const source = await start('source');
    while (!(await guestIsReady(source))) await delay(clock, 20);
    const seen: Progress[] = [];
    const { progress, reason } = await migrateLive({
      source,
      destination,
      listenAt: `unix:${join(folder, 'migration')}`,
      clock,
      limitMs: LIMIT_MS,
      signal,
      pollMs: 2,
      onProgress: (now) => seen.push(now),
    });
    if (progress.status !== 'completed') throw new Error(`the guest did not move: ${reason}`);
    const { downtime } = await source.execute('query-migrate');
    const before = seen.findLast(({ status, bandwidth }) => status === 'active' && bandwidth > 0);
    if (before === undefined) throw new Error('nobody saw the guest run');
    const bytesLeft = progress.ram.downtimeBytes + deviceBytes(progress) - deviceBytes(before);
    return { downtimeMs: Number(downtime), bytesLeft, bandwidth: before.bandwidth };
  } finally {
    await Promise.all(machines.map((machine) => machine.close()));
    rmSync(folder, { recursive: true, force: true });
  }
}

function deviceBytes({ devices }: Progress): number {
  return devices.reduce((sum, { transferred }) => sum + transferred, 0);
}
