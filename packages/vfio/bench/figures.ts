import { SystemClock } from '@godwit/clock';
import {
  createModel,
  DeviceState,
  DmaLogger,
  type MigratableDevice,
  type ModelledDevice,
  type PropertyValue,
  V1Device,
  type V1Logic,
  V1State,
  VendorDriver,
} from '../src/index.js';

/** A measured rate or time, beside what it should be. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'GiB/s' | 'ms';
  /** At least this for a rate, at most this for a time. */
  readonly target: number;
}

const CHUNK = 2 ** 20;
const STATE_SIZE = 256 * 2 ** 20;
const GIB = 2 ** 30;
const RAM = 64 * GIB;
const PAGE = 4096;
/** One page in this many is dirty. */
const DIRTY_EVERY = 100;

/** What device state and dirty bitmaps cost, through the v2 contract and through the v1 region. */
export async function deviceFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, properties] of [
    ['device state, v2', {}],
    ['device state, v1, mapped 1 MiB area', { protocol: 'v1' }],
    ['device state, v1, trapped 1 MiB area', { protocol: 'v1', 'region-mapped': 'off' }],
  ] as const) {
    const { read, written } = await stateRates(properties);
    figures.push({ name: `${name}: read`, value: read, unit: 'GiB/s', target: 1 });
    figures.push({ name: `${name}: written`, value: written, unit: 'GiB/s', target: 1 });
  }
  const bitmap = 'dirty bitmap of 64 GiB, 1 % dirty';
  figures.push({ name: `${bitmap}, v2`, value: await bitmapTime(loggerReport), unit: 'ms', target: 20 });
  figures.push({
    name: `${bitmap}, v1, mapped 1 MiB area`,
    value: await bitmapTime(regionReport),
    unit: 'ms',
    target: 20,
  });
  return figures;
}

/** The best of five passes of a whole state, in GiB/s. */
async function stateRates(
  properties: Record<string, PropertyValue>,
): Promise<{ read: number; written: number }> {
  const environment = { clock: new SystemClock(), random: Math.random };
  const make = (): ModelledDevice =>
    createModel('gpu', { 'state-size': STATE_SIZE, ...properties }, environment);
  const source = make();
  const target = make();
  const rates = { read: 0, written: 0 };
  for (let pass = 0; pass < 5; pass++) {
    await source.setState(DeviceState.STOP_COPY);
    await target.setState(DeviceState.RESUMING);
    const times = await pump(source, target);
    await source.setState(DeviceState.RUNNING);
    await target.setState(DeviceState.RUNNING);
    rates.read = Math.max(rates.read, STATE_SIZE / GIB / (times.reading / 1000));
    rates.written = Math.max(rates.written, STATE_SIZE / GIB / (times.writing / 1000));
  }
  if (target.verify().errors > 0) throw new Error('the state did not arrive whole');
  source.close();
  target.close();
  return rates;
}

async function pump(
  source: MigratableDevice,
  target: MigratableDevice,
): Promise<{ reading: number; writing: number }> {
  const buffer = new Uint8Array(CHUNK);
  const times = { reading: 0, writing: 0 };
  for (;;) {
    const start = performance.now();
    const result = await source.readData(buffer);
    const middle = performance.now();
    times.reading += middle - start;
    if (result.kind !== 'data') return times;
    await target.writeData(buffer.subarray(0, result.length));
    times.writing += performance.now() - middle;
  }
}

type Report = (logger: DmaLogger, bitmap: Uint32Array) => Promise<void>;

/** The best of five reports of 64 GiB, in milliseconds. */
async function bitmapTime(report: Report): Promise<number> {
  const logger = new DmaLogger();
  const bitmap = new Uint32Array(RAM / PAGE / 32);
  let best = Infinity;
  for (let pass = 0; pass < 5; pass++) {
    if (!logger.active) await logger.start([{ iova: 0, length: RAM }], PAGE);
    for (let page = 0; page < RAM / PAGE; page += DIRTY_EVERY) logger.mark(page * PAGE, PAGE);
    bitmap.fill(0);
    const start = performance.now();
    await report(logger, bitmap);
    best = Math.min(best, performance.now() - start);
    if ((bitmap[0]! & 1) === 0) throw new Error('the report lacks a dirty page');
  }
  return best;
}

const loggerReport: Report = (logger, bitmap) => logger.report(0, RAM, PAGE, bitmap);

/** A report through the region, by a driver that has the pages from the logger. */
async function regionReport(logger: DmaLogger, bitmap: Uint32Array): Promise<void> {
  const logic: V1Logic = {
    initialState: V1State.RUNNING,
    isBroken: false,
    setState: async () => {},
    pending: async () => ({ precopyOnly: 0, compatible: 0, postcopyOnly: 0 }),
    fill: async () => 0,
    take: async () => {},
    dirtyPages: (address, pages, words) => logger.report(address, pages * PAGE, PAGE, words),
  };
  const device = new V1Device(new VendorDriver(logic, { areaSize: CHUNK, mapped: true }), {
    reset: async () => {},
  });
  await device.dmaLogging.start([{ iova: 0, length: RAM }], PAGE);
  await device.dmaLogging.report(0, RAM, PAGE, bitmap);
}
