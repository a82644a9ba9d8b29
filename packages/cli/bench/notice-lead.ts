import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '@godwit/clock';
import { MachineProcess } from '../src/demo/machine-process.js';
import { GODWIT } from './machine-figures.js';

/** How long before the arrival of a transition its client had the notice, in milliseconds, least first. */
export interface NoticeLead {
  readonly latencyMs: number;
  readonly leads: readonly number[];
}

const LATENCY_MS = 20;
const CYCLES = 50;

/** Stops and continues a guest with a device that takes its time for every transition, and looks when notices come. */
export async function noticeLead(clock: Clock): Promise<NoticeLead> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  const path = join(folder, 'qmp');
  const device = `vfio-model,model=nic,migration-events=on,migration-prepare-events=on,latency=${LATENCY_MS}`;
  const options = [
    '-m',
    '64M',
    '-accel',
    'sim',
    '-device',
    device,
    '-qmp',
    `unix:${path},server=on,wait=off`,
  ];
  const machine = new MachineProcess(GODWIT, 'machine', options, clock);
  try {
    const client = await machine.connect(path, new AbortController().signal);
    const leads: number[] = [];
    let noticedAt = 0;
    client.on('VFIO_MIGRATION_PREPARE', () => {
      noticedAt = clock.now();
    });
    client.on('VFIO_MIGRATION', () => leads.push(clock.now() - noticedAt));
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      await client.execute('stop');
      await client.execute('cont');
    }
    return { latencyMs: LATENCY_MS, leads: leads.sort((a, b) => a - b) };
  } finally {
    await machine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
