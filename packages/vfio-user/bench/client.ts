// Measures a server that has the sample device: client SOCKET. Prints microseconds for each kind of read, as JSON.
import { RegionReader } from './region-reads.js';

/** Size in bytes, outstanding, reads in all. */
const KINDS = [
  [4, 1, 20_000],
  [4, 16, 60_000],
  [4096, 1, 20_000],
  [4096, 16, 60_000],
] as const;

const reader = new RegionReader(process.argv[2]!);
const best: Record<string, number> = {};
for (let pass = 0; pass < 3; pass++) {
  for (const [size, outstanding, reads] of KINDS) {
    const name = `${size} ${outstanding}`;
    best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, reader.measure(size, outstanding, reads));
  }
}
reader.close();
console.log(JSON.stringify(best));
