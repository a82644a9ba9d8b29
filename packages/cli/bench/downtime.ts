// How long a guest with four devices stands still, and how early clients know of a transition; prints one line for each
// figure. npm run bench downtime
import { SystemClock } from '@godwit/clock';
import { downtimeOfFourDevices } from './four-devices.js';
import { noticeLead } from './notice-lead.js';

const RUNS = 5;
const MIB = 2 ** 20;

const runs = [];
for (let run = 0; run < RUNS; run++) {
  const { downtimeMs, bytesLeft, bandwidth } = await downtimeOfFourDevices(new SystemClock());
  const neededMs = (bytesLeft / bandwidth) * 1000;
  runs.push({ downtimeMs, bytesLeft, bandwidth, neededMs, beyondMs: downtimeMs - neededMs });
}
const { downtimeMs, bytesLeft, bandwidth, neededMs, beyondMs } = runs.sort((a, b) => a.beyondMs - b.beyondMs)[
  Math.floor(RUNS / 2)
]!;
console.log(
  `${'four devices, beyond bytes / rate'.padEnd(36)} ${`${beyondMs.toFixed(0)} ms`.padStart(14)}   within 10 ms ` +
    `(${downtimeMs} ms; ${(bytesLeft / MIB).toFixed(0)} MiB at ${(bandwidth / MIB).toFixed(0)} MiB/s: ${neededMs.toFixed(0)} ms)`,
);

const { latencyMs, leads } = await noticeLead(new SystemClock());
const early = leads.filter((lead) => lead >= latencyMs).length;
console.log(
  `${'notice of a transition, lead'.padEnd(36)} ${`${leads[0]?.toFixed(1)} ms`.padStart(14)}   at least ${latencyMs} ms, the ` +
    `device's latency (${early} of ${leads.length}; median ${leads[leads.length >> 1]?.toFixed(1)} ms)`,
);
