// Builds the workspace: the C addon (where a compiler is present), the schema compiler, what it generates,
// every package, then the bundle that the command runs from. Steps that have nothing to do cost next to
// nothing, so this runs after every install and before every test.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

function run(script, ...args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(tsc)) {
  console.error('build: the development dependencies are not installed; run npm ci first');
  process.exit(1);
}

run(join(root, 'packages', 'native', 'scripts', 'build-addon.mjs'));
run(tsc, '-b', 'packages/qapi');
run(join(root, 'scripts', 'generate.mjs'));
run(tsc, '-b');
run(join(root, 'scripts', 'bundle.mjs'));
