import type { DmaRange, MigratableDevice } from '../../device.js';
import { DeviceState } from '../../states.js';
import { type Rule, UAPI, Violation } from '../rule.js';
import { expectRefusal, type Trial } from '../trial.js';

const PAGE = 4096;
const START = `${UAPI}, VFIO_DEVICE_FEATURE_DMA_LOGGING_START`;
const REPORT = `${UAPI}, VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT`;

/** More than any device or the kernel takes. */
const TOO_MANY = 1 << 16;

/** What START refuses: a name, ranges, page size, the error. */
const REFUSED: readonly (readonly [string, readonly DmaRange[], number, 'EINVAL' | 'E2BIG' | 'EOVERFLOW'])[] =
  [
    ['no range', [], PAGE, 'EINVAL'],
    ['an unaligned address', [{ iova: 1, length: PAGE }], PAGE, 'EINVAL'],
    ['an unaligned length', [{ iova: 0, length: PAGE + 1 }], PAGE, 'EINVAL'],
    [
      'overlapping ranges',
      [
        { iova: 0, length: 2 * PAGE },
        { iova: PAGE, length: PAGE },
      ],
      PAGE,
      'EINVAL',
    ],
    ['a range that wraps around', [{ iova: 2 ** 53 - PAGE, length: 2 * PAGE }], PAGE, 'EOVERFLOW'],
    ['a page size below 4096', [{ iova: 0, length: PAGE }], 2048, 'EINVAL'],
    ['a page size that is no power of two', [{ iova: 0, length: 3 * PAGE }], 3 * PAGE, 'EINVAL'],
    [
      'too many ranges',
      Array.from({ length: TOO_MANY }, (_, index) => ({ iova: index * 2 * PAGE, length: PAGE })),
      PAGE,
      'E2BIG',
    ],
  ];

export const LOGGING_RULES: readonly Rule[] = [
  {
    id: 'logging/start',
    title: 'START refuses bad ranges and page sizes and stays off',
    source: START,
    async check(trial) {
      const { dmaLogging } = await trial.device();
      for (const [name, ranges, pageSize, code] of REFUSED) {
        await expectRefusal(code, `START with ${name}`, () => dmaLogging.start(ranges, pageSize));
        if (dmaLogging.active) throw new Violation(`after the refusal of ${name} logging is on`);
      }
    },
  },
  {
    id: 'logging/report',
    title: 'REPORT is refused while logging is off, and for a page size or range that makes no sense',
    source: REPORT,
    async check(trial) {
      const { dmaLogging } = await trial.device();
      const bitmap = new Uint32Array(1);
      await expectRefusal('EINVAL', 'REPORT before START', () => dmaLogging.report(0, PAGE, PAGE, bitmap));
      await dmaLogging.start([{ iova: 0, length: 16 * PAGE }], PAGE);
      await expectRefusal('EINVAL', 'REPORT with page size 1024', () =>
        dmaLogging.report(0, PAGE, 1024, bitmap),
      );
      await expectRefusal('EINVAL', 'REPORT of an unaligned range', () =>
        dmaLogging.report(5, PAGE, PAGE, bitmap),
      );
      await dmaLogging.report(0, 16 * PAGE, PAGE, bitmap);
      await dmaLogging.stop();
      await expectRefusal('EINVAL', 'REPORT after STOP', () => dmaLogging.report(0, PAGE, PAGE, bitmap));
    },
  },
  {
    id: 'logging/clears',
    title: 'what a report has shown of a stopped device is not shown again',
    source: `${REPORT}: the dirty bits are cleared`,
    applies: (_flags, options) => options.dmaRange !== undefined,
    otherwise: 'no memory to write to is given',
    async check(trial) {
      const device = await trial.device();
      const range = await startLogging(device, trial);
      await trial.run(50);
      await device.setState(DeviceState.STOP);
      const first = await report(device, range);
      const second = await report(device, range);
      if (second > 0) throw new Violation(`${second} pages are reported again after a report of ${first}`);
    },
  },
  {
    id: 'logging/stopped',
    title: 'a device in stop, stop-copy or resuming writes nothing to memory',
    source: `${UAPI}, VFIO_DEVICE_STATE_STOP: no DMA`,
    applies: (_flags, options) => options.dmaRange !== undefined,
    otherwise: 'no memory to write to is given',
    async check(trial) {
      const device = await trial.device();
      const range = await startLogging(device, trial);
      for (const state of [DeviceState.STOP, DeviceState.STOP_COPY]) {
        await device.setState(state);
        await report(device, range);
        await trial.run(50);
        const pages = await report(device, range);
        if (pages > 0) throw new Violation(`a stopped device wrote ${pages} pages`);
      }
    },
  },
];

async function startLogging(device: MigratableDevice, trial: Trial): Promise<DmaRange> {
  const range = trial.options.dmaRange ?? { iova: 0, length: PAGE };
  await device.dmaLogging.start([range], PAGE);
  return range;
}

/** How many pages a report shows. */
async function report(device: MigratableDevice, range: DmaRange): Promise<number> {
  const bitmap = new Uint32Array(Math.ceil(range.length / PAGE / 32));
  await device.dmaLogging.report(range.iova, range.length, PAGE, bitmap);
  let pages = 0;
  for (const word of bitmap) for (let bits = word; bits !== 0; bits &= bits - 1) pages++;
  return pages;
}
