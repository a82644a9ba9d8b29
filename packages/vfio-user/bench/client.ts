// Measures servers that have the sample device, in turns, so that all of them meet the same conditions: client SOCKET...
// Prints microseconds for each kind of read, as a JSON object for each server.
import { RegionReader } from './region-reads.js';

/** Size in bytes, outstanding, reads in a turn. */
const KINDS = [
  [4, 1, 1500],
  [4, 16, 6000],
  [4096, 1, 1500],
  [4096, 16, 6000],
] as const;
const TURNS = 15;

const readers = process.argv.slice(2).map((path) => new RegionReader(path));
const times = readers.map(() => new Map<string, number[]>());
for (let turn = 0; turn < TURNS; turn++) {
  for (const [size, outstanding, reads] of KINDS) {
    const kind = `${size} ${outstanding}`;
    for (const [index, reader] of readers.entries()) {
      const known = times[index]!.get(kind) ?? [];
      times[index]!.set(kind, [...known, reader.measure(size, outstanding, reads)]);
    }
  }
}
for (const reader of readers) reader.close();
const medians = times.map((kinds) => {
  const entries = [...kinds].map(([kind, values]) => [kind, values.sort((a, b) => a - b)[TURNS >> 1]!]);
  return Object.fromEntries(entries) as Record<string, number>;
});
console.log(JSON.stringify(medians));
