// Prints the figures that this project is held to, beside what they should be: npm run bench [PACKAGE...]
// A package has its own in bench/run.ts; each runs in a process of its own, one after the other.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const chosen = process.argv.slice(2);
const entry = (name) => join(root, 'packages', name, 'dist', 'bench', 'run.js');
const names = (chosen.length > 0 ? chosen : readdirSync(join(root, 'packages')).sort()).filter((name) => {
  if (existsSync(entry(name))) return true;
  if (chosen.length > 0) console.error(`bench: ${name} has no figures`);
  return false;
});

let failed = chosen.length > names.length;
for (const name of names) {
  console.log(`\n${name}`);
  const { status } = spawnSync(process.execPath, ['--enable-source-maps', entry(name)], { stdio: 'inherit' });
  if (status !== 0) failed = true;
}
process.exitCode = failed ? 1 : 0;
