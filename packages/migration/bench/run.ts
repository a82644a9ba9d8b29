import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '@godwit/clock';
import {
  connectSocketChannel,
  defaultPageDigests,
  defaultParameters,
  defaultRamSharing,
  defaultTimeouts,
  OutgoingMigration,
} from '../src/index.js';
import { buildMachine, type Scenario } from './scenario.js';

const GIB = 2 ** 30;

/** Moves a stopped guest to another process; the rate in GiB/s of guest memory, from connecting to completed. */
export async function measure(scenario: Scenario): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
  const path = join(folder, 'migrate.sock');
  const machine = buildMachine(scenario, 'source');
  const child = fork(fileURLToPath(new URL('./destination.js', import.meta.url)));
  try {
    const exited = once(child, 'exit');
    child.send({ scenario, path });
    await once(child, 'message');
    const clock = new SystemClock();
    const outgoing = new OutgoingMigration({
      machine,
      clock,
      parameters: { ...defaultParameters, 'max-bandwidth': 0 },
      pageDigests: defaultPageDigests,
      timeouts: defaultTimeouts,
      ramSharing: scenario.sharesRam ? defaultRamSharing : undefined,
      ...(scenario.channels > 0
        ? { multifd: { channels: scenario.channels, id: randomBytes(16).toString('hex') } }
        : {}),
    });
    const startedAt = clock.now();
    const outcome = await outgoing.start(() => connectSocketChannel({ type: 'unix', path }));
    const seconds = (clock.now() - startedAt) / 1000;
    if (outcome !== 'completed') throw outgoing.error;
    await exited;
    return (scenario.ramBytes + scenario.deviceBytes) / GIB / seconds;
  } finally {
    child.kill();
    machine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
