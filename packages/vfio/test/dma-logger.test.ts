import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DmaLogger } from '../src/index.js';

const PAGE = 4096;

test('START refuses what the kernel refuses, and stays off', async () => {
  const logger = new DmaLogger(2);
  const range = { iova: 0, length: PAGE };
  const refused: [() => Promise<void>, string][] = [
    [() => logger.start([], PAGE), 'EINVAL'],
    [
      () => logger.start([range, { iova: PAGE, length: PAGE }, { iova: 2 * PAGE, length: PAGE }], PAGE),
      'E2BIG',
    ],
    [() => logger.start([{ iova: 1, length: PAGE }], PAGE), 'EINVAL'],
    [() => logger.start([{ iova: 0, length: PAGE + 1 }], PAGE), 'EINVAL'],
    [() => logger.start([{ iova: 0, length: 0 }], PAGE), 'EINVAL'],
    [() => logger.start([{ iova: -PAGE, length: PAGE }], PAGE), 'EINVAL'],
    [
      () =>
        logger.start(
          [
            { iova: 0, length: 2 * PAGE },
            { iova: PAGE, length: PAGE },
          ],
          PAGE,
        ),
      'EINVAL',
    ],
    [() => logger.start([{ iova: 2 ** 53 - PAGE, length: 2 * PAGE }], PAGE), 'EOVERFLOW'],
    [() => logger.start([range], 2048), 'EINVAL'],
    [() => logger.start([range], 3 * PAGE), 'EINVAL'],
    [() => logger.start([range], 0), 'EINVAL'],
    [() => logger.start([range], Number.NaN), 'EINVAL'],
  ];
  for (const [attempt, code] of refused)
    await assert.rejects(attempt, { name: 'VfioError', code }, attempt.toString());
  assert.equal(logger.active, false);
});

test('START twice is refused, STOP twice is not, and nothing is reported while it is off', async () => {
  const logger = new DmaLogger();
  await logger.start([{ iova: 0, length: PAGE }], PAGE);
  await assert.rejects(() => logger.start([{ iova: 0, length: PAGE }], PAGE), { code: 'EBUSY' });
  await logger.stop();
  await logger.stop();
  await assert.rejects(() => logger.report(0, PAGE, PAGE, new Uint32Array(1)), { code: 'EINVAL' });
});

test('REPORT refuses a bad page size, an unaligned or empty range and a bitmap that is too small', async () => {
  const logger = new DmaLogger();
  await logger.start([{ iova: 0, length: 64 * PAGE }], PAGE);
  for (const [iova, length, pageSize, words, code] of [
    [0, PAGE, 1024, 1, 'EINVAL'],
    [0, PAGE, 5000, 1, 'EINVAL'],
    [10, PAGE, PAGE, 1, 'EINVAL'],
    [0, 0, PAGE, 1, 'EINVAL'],
    [0, 33 * PAGE, PAGE, 1, 'EINVAL'],
    [2 ** 53 - PAGE, 2 * PAGE, PAGE, 1, 'EOVERFLOW'],
  ] as const) {
    await assert.rejects(() => logger.report(iova, length, pageSize, new Uint32Array(words)), { code });
  }
});

test('a report has exactly the pages that were written, and forgets them', async () => {
  const writes = fc.array(
    fc.record({ address: fc.nat(300 * PAGE), length: fc.integer({ min: 1, max: 5 * PAGE }) }),
    { maxLength: 20 },
  );
  await fc.assert(
    fc.asyncProperty(
      writes,
      fc.constantFrom(PAGE, 4 * PAGE),
      fc.constantFrom(PAGE, 2 * PAGE, 4 * PAGE),
      fc.nat(60),
      fc.integer({ min: 1, max: 60 }),
      async (list, trackedSize, reportSize, firstPage, pages) => {
        const logger = new DmaLogger();
        await logger.start([{ iova: 0, length: 400 * PAGE }], trackedSize);
        for (const { address, length } of list) logger.mark(address, length);
        const iova = firstPage * 4 * PAGE;
        const length = Math.min(pages * 4 * PAGE, 400 * PAGE - iova);
        const count = length / reportSize;
        const expected = Array.from({ length: count }, (_, page) => {
          const start = iova + page * reportSize;
          return list.some((write) => {
            // What is tracked coarsely is reported coarsely.
            const from = Math.floor(write.address / trackedSize) * trackedSize;
            const to = Math.ceil((write.address + write.length) / trackedSize) * trackedSize;
            return from < start + reportSize && to > start;
          });
        });
        const report = async () => {
          const bitmap = new Uint32Array(Math.ceil(count / 32));
          await logger.report(iova, length, reportSize, bitmap);
          return Array.from(
            { length: count },
            (_, page) => ((bitmap[page >>> 5]! >>> (page & 31)) & 1) === 1,
          );
        };
        assert.deepEqual(await report(), expected);
        assert.ok((await report()).every((bit) => !bit));
      },
    ),
  );
});

test('a page that lies only partly in a report stays dirty', async () => {
  const logger = new DmaLogger();
  await logger.start([{ iova: 0, length: 64 * PAGE }], 16 * PAGE);
  logger.mark(0, 1);
  const bitmap = new Uint32Array(1);
  await logger.report(0, 4 * PAGE, PAGE, bitmap);
  assert.equal(bitmap[0], 0b1111);
  bitmap[0] = 0;
  await logger.report(0, 16 * PAGE, PAGE, bitmap);
  assert.equal(bitmap[0], 0xffff);
});

test('writes outside of the ranges are not recorded', async () => {
  const logger = new DmaLogger();
  await logger.start([{ iova: 8 * PAGE, length: 8 * PAGE }], PAGE);
  logger.mark(0, 9 * PAGE);
  logger.mark(15 * PAGE, 9 * PAGE);
  const bitmap = new Uint32Array(1);
  await logger.report(0, 32 * PAGE, PAGE, bitmap);
  assert.equal(bitmap[0], (1 << 8) | (1 << 15));
});
