import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { describeFault, type Fault } from '../fuzz/fault.js';
import { runTrial } from '../fuzz/trial.js';

const MIB = 1 << 20;
const NIC = 'model=nic,dirty-rate=1M,dma-rate=2M';
const GPU = 'model=gpu,dirty-rate=2M';

/** One of each kind; `npm run fuzz:migration` does many at random. */
const FAULTS: readonly Fault[] = [
  { kind: 'kill', side: 'source', after: 150 },
  { kind: 'kill', side: 'destination', after: 150 },
  { kind: 'flip', offset: 25 * MIB, mask: 4 },
  { kind: 'cut-answers', offset: 90 },
];

for (const fault of FAULTS) {
  test(`real processes: ${describeFault(fault)}; nothing is lost and nothing is left`, async () => {
    await runTrial(fault, [NIC, GPU], { clock: new SystemClock(), temporaryFolder: tmpdir() });
  });
}

test('real processes with multifd: a channel that breaks loses nothing and leaves nothing', async () => {
  const fault: Fault = { kind: 'cut', offset: 4 * MIB };
  await runTrial(fault, [NIC, GPU], { clock: new SystemClock(), temporaryFolder: tmpdir(), channels: 3 });
});
