// Prints the figures that this project is held to, beside what they should be: npm run bench [PACKAGE...]
// Each program is a process of its own, one after the other, so that none disturbs the next.
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const programs = {
  migration: 'packages/migration/dist/bench/ram.js',
  downtime: 'packages/cli/dist/bench/downtime.js',
  cli: 'packages/cli/dist/bench/run.js',
  vfio: 'packages/vfio/dist/bench/run.js',
  qmp: 'packages/qmp/dist/bench/run.js',
};

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !Object.hasOwn(programs, name));
if (unknown.length > 0) {
  console.error(`bench: no figures of ${unknown.join(', ')}; there are ${Object.keys(programs).join(', ')}`);
  process.exit(1);
}

// Other work on the host is in every figure.
console.log(`${cpus().length} CPUs, load ${loadavg()[0].toFixed(1)}`);
for (const [name, program] of Object.entries(programs)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue;
  console.log(`\n${name}`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', join(root, program)], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}
