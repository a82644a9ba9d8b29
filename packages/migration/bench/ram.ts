// What a migration is measured by; prints one line for each figure. npm run bench:migration
import { DirtyBitmap, PageRuns } from '../src/ram/dirty-bitmap.js';
import { measureQemu } from './qemu.js';
import { measure } from './run.js';
import type { Scenario } from './scenario.js';

const GIB = 2 ** 30;
const RUNS = 3;

const scenarios: readonly (Scenario & { readonly atLeast: number })[] = [
  { name: 'random RAM, 1 GiB', ramBytes: GIB, contents: 'random', deviceBytes: 0, atLeast: 1 },
  { name: 'zero pages, 1 GiB', ramBytes: GIB, contents: 'zero', deviceBytes: 0, atLeast: 4 },
  { name: 'device state, 1 GiB', ramBytes: 1 << 20, contents: 'zero', deviceBytes: GIB, atLeast: 1 },
];

function best(figures: readonly number[]): number {
  return Math.max(...figures);
}

function line(name: string, figure: string, goal: string): void {
  console.log(`${name.padEnd(36)} ${figure.padStart(14)}   ${goal}`);
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

const rates = new Map<string, number>();
for (const scenario of scenarios) {
  const figures: number[] = [];
  for (let run = 0; run < RUNS; run++) figures.push(await measure(scenario));
  rates.set(scenario.name, best(figures));
  line(scenario.name, `${best(figures).toFixed(2)} GiB/s`, `at least ${scenario.atLeast} GiB/s`);
}

const scans = Array.from({ length: 10 }, scanBitmap);
line('bitmap scan, 16 GiB, 1 % dirty', `${Math.min(...scans).toFixed(2)} ms`, 'under 5 ms');

for (const multifd of [false, true]) {
  const name = `QEMU, random RAM, 1 GiB${multifd ? ', multifd' : ''}`;
  const peer = await measureQemu(GIB, multifd);
  if (peer === undefined) {
    line(name, 'not installed', '');
    continue;
  }
  line(
    name,
    `${peer.toFixed(2)} GiB/s`,
    `ours is ${(rates.get(scenarios[0]!.name)! / peer).toFixed(2)} times as fast`,
  );
}
