import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { describeFault, type Fault } from '../fuzz/fault.js';
import { describeStep, type RecoveryStep } from '../fuzz/recovery.js';
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

test('real processes: a migration that is kept when it breaks goes on, however often that happens', async () => {
  const recovery: readonly RecoveryStep[] = [
    { kind: 'astray', fault: { kind: 'cut', offset: MIB } },
    { kind: 'go-on', fault: { kind: 'cut-answers', offset: 20 } },
    { kind: 'go-on', fault: { kind: 'none' } },
  ];
  await runTrial({ kind: 'cut', offset: 4 * MIB }, [NIC, GPU], {
    clock: new SystemClock(),
    temporaryFolder: tmpdir(),
    channels: 3,
    recovery,
  });
});

for (const step of [
  { kind: 'kill', side: 'source' },
  { kind: 'kill', side: 'destination' },
  { kind: 'kill-later', side: 'destination', after: 20 },
  { kind: 'cancel' },
] as const satisfies RecoveryStep[]) {
  test(`real processes, waiting for another connection: ${describeStep(step)}; nothing is lost`, async () => {
    await runTrial({ kind: 'cut', offset: 8 * MIB }, [NIC], {
      clock: new SystemClock(),
      temporaryFolder: tmpdir(),
      recovery: [step],
    });
  });
}
