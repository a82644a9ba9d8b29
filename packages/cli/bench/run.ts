// How a machine starts and how the demo switches over; prints one line for each figure. npm run bench cli
import { type Clock, SystemClock } from '@godwit/clock';
import { demoFigures } from './demo-figures.js';
import { machineFigures } from './machine-figures.js';

const RUNS = 3;
const MIB = 2 ** 20;
const DOWNTIME_LIMIT_MS = 300;

function line(name: string, figure: string, goal: string): void {
  console.log(`${name.padEnd(36)} ${figure.padStart(14)}   ${goal}`);
}

async function repeated<T>(measure: (clock: Clock) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 0; run < RUNS; run++) results.push(await measure(new SystemClock()));
  return results;
}

const machines = await repeated(machineFigures);
const firstReply = Math.min(...machines.map(({ firstReplyMs }) => firstReplyMs));
const resident = Math.max(...machines.map(({ residentBytes }) => residentBytes));
line('godwit machine, first QMP reply', `${firstReply.toFixed(0)} ms`, 'within 300 ms');
line('its memory, guest RAM left out', `${(resident / MIB).toFixed(0)} MiB`, 'under 120 MiB');

for (const { totalMs, downtimeMs, bytesLeft, bandwidth } of await repeated(demoFigures)) {
  const expectedMs = (bytesLeft / bandwidth) * 1000;
  line('demo, migration', `${totalMs.toFixed(0)} ms`, '');
  line('demo, downtime', `${downtimeMs.toFixed(0)} ms`, `within ${DOWNTIME_LIMIT_MS} ms`);
  line(
    'demo, downtime beyond bytes / rate',
    `${(downtimeMs - expectedMs).toFixed(0)} ms`,
    `within 30 ms (${(bytesLeft / MIB).toFixed(0)} MiB at ${(bandwidth / MIB).toFixed(0)} MiB/s: ${expectedMs.toFixed(0)} ms)`,
  );
}
