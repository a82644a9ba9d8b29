/**
 * Migrates guests between real processes while something goes wrong: either process is killed, the migration is
 * cancelled, the stream is changed, cut or stopped, the disk is full, a device fails. Half of the migrations are kept when
 * their connection breaks (x-precopy-recovery), and taken up again, astray, broken again, cancelled, or killed.
 *
 *   run.js [--seed N]
 *
 * GODWIT_FUZZ_RUNS says how many (20); the first has the seed N, the next N + 1 and so on. Without a seed they are new
 * ones. Each run is one line; the first one that loses something ends it.
 */
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { SystemClock } from '@godwit/clock';
import { anyBreak, anyFault, describeFault } from './fault.js';
import { Random } from './random.js';
import { anyRecovery, describeStep } from './recovery.js';
import { anyDevices, RAM_BYTES, runTrial } from './trial.js';

const { values } = parseArgs({ options: { seed: { type: 'string', default: String(randomInt(2 ** 31)) } } });
const runs = Number(process.env.GODWIT_FUZZ_RUNS ?? 20);
const first = Number(values.seed);
const environment = { clock: new SystemClock(), temporaryFolder: tmpdir() };
const counts = new Map<string, number>();

for (let seed = first; seed < first + runs; seed++) {
  const random = new Random(seed);
  const devices = anyDevices(random);
  const channels = random.below(4);
  // Of what goes over one of them.
  const bytes = Math.floor((RAM_BYTES + (devices.length << 20)) / Math.max(1, channels));
  const recovery = random.below(2) === 0 ? undefined : anyRecovery(random, bytes);
  const fault =
    recovery === undefined || random.below(4) === 0 ? anyFault(random, bytes) : anyBreak(random, bytes);
  const steps = recovery?.map((step) => `, ${describeStep(step)}`).join('');
  const then = steps === undefined ? '' : `, kept when it breaks${steps}`;
  const line = `seed ${seed}: ${devices.length} devices, ${channels} more channels, ${describeFault(fault)}${then}`;
  try {
    const { status, guest } = await runTrial(fault, devices, {
      ...environment,
      channels,
      ...(recovery === undefined ? {} : { recovery }),
    });
    const verdict = `${status ?? 'source gone'}, the guest runs ${guest === undefined ? 'nowhere' : `at the ${guest}`}`;
    console.log(`${line}: ${verdict}`);
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  } catch (error) {
    console.error(`${line}: ${error instanceof Error ? error.stack : String(error)}`);
    process.exitCode = 1;
    break;
  }
}
for (const [verdict, count] of [...counts].sort()) console.log(`${String(count).padStart(5)}  ${verdict}`);
