// What a migration is measured by, 1 GiB at a time; prints one line for each figure. npm run bench:migration
import { DirtyBitmap, PageRuns } from '../src/ram/dirty-bitmap.js';
import { QemuPeer } from './qemu.js';
import { measure } from './run.js';
import type { Scenario } from './scenario.js';

const GIB = 2 ** 30;
const RUNS = 3;
/** As many as QEMU has by default. */
const CHANNELS = 2;
/** RAM with random contents, as a multiple of what QEMU reaches with multifd in the same run. */
const GOAL = 2;

const random = { ramBytes: GIB, contents: 'random', deviceBytes: 0 } as const;
/** Between two processes of a host, as it is done by itself; and through the socket, as to another host. */
const ways: readonly Scenario[] = [true, false].flatMap((sharesRam) => {
  const name = `random RAM, ${sharesRam ? 'shared' : 'through the socket'}`;
  return [
    { ...random, name, sharesRam, channels: 0 },
    { ...random, name: `${name}, multifd`, sharesRam, channels: CHANNELS },
  ];
});
const zero: Scenario = {
  ...random,
  name: 'zero pages',
  contents: 'zero',
  channels: 0,
  sharesRam: false,
};
const device: Scenario = {
  name: 'device state, one channel',
  ramBytes: 1 << 20,
  contents: 'zero',
  deviceBytes: GIB,
  channels: 0,
  sharesRam: false,
};

function median(figures: readonly number[]): number {
  return [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

function line(name: string, figure: string, goal: string): void {
  console.log(`${name.padEnd(40)} ${figure.padStart(14)}   ${goal}`);
}

function rate(gibPerSecond: number): string {
  return `${gibPerSecond.toFixed(2)} GiB/s`;
}

/** One round over the bitmap of a 16 GiB guest of which 1 % is dirty, here and there: milliseconds. */
function scanBitmap(): number {
  const bitmap = new DirtyBitmap((16 * GIB) / 4096);
  for (let page = 0; page < bitmap.pages; page += 100) bitmap.words[page >>> 5]! |= 1 << (page & 31);
  const runs = new PageRuns(1024);
  const startedAt = performance.now();
  let left = bitmap.count();
  for (let page = 0; page < bitmap.pages; ) {
    runs.clear();
    page = bitmap.take(page, bitmap.pages, 1024, runs);
    left -= runs.pages;
  }
  const elapsed = performance.now() - startedAt;
  if (left !== 0) throw new Error('pages were left behind');
  return elapsed;
}

async function repeated(scenario: Scenario): Promise<number> {
  const figures: number[] = [];
  for (let run = 0; run < RUNS; run++) figures.push(await measure(scenario));
  return median(figures);
}

/** In turns with the peer, so that both meet the same conditions. */
async function compareRam(): Promise<void> {
  const ours = ways.map((scenario) => ({ scenario, figures: [] as number[] }));
  const theirs = { plain: [] as number[], multifd: [] as number[] };
  const qemu = QemuPeer.prepare(GIB);
  try {
    for (let run = 0; run < RUNS; run++) {
      for (const { scenario, figures } of ours) figures.push(await measure(scenario));
      if (qemu === undefined) continue;
      theirs.plain.push(await qemu.measure(false));
      theirs.multifd.push(await qemu.measure(true));
    }
  } finally {
    qemu?.close();
  }
  const peer = qemu === undefined ? undefined : median(theirs.multifd);
  for (const { scenario, figures } of ours) {
    const figure = median(figures);
    const ratio =
      peer === undefined
        ? 'QEMU is not installed'
        : `${(figure / peer).toFixed(2)} times QEMU with multifd, at least ${GOAL}`;
    line(scenario.name, rate(figure), `at least 1 GiB/s; ${ratio}`);
  }
  if (peer === undefined) return;
  line('QEMU, random RAM', rate(median(theirs.plain)), '');
  line('QEMU, random RAM, multifd', rate(peer), `${CHANNELS} channels`);
}

await compareRam();
line(zero.name, rate(await repeated(zero)), 'at least 4 GiB/s');
line(device.name, rate(await repeated(device)), 'at least 1 GiB/s');
const scans = Array.from({ length: 10 }, scanBitmap);
line('bitmap scan, 16 GiB, 1 % dirty', `${median(scans).toFixed(2)} ms`, 'under 5 ms');
