// Runs the compiled tests of all packages, or of those named: node scripts/test.mjs [PACKAGE...]
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = process.argv.slice(2);
const chosen = packages.length > 0 ? packages : readdirSync(join(root, 'packages')).sort();

const files = chosen.flatMap((name) => {
  const folder = join(root, 'packages', name, 'dist', 'test');
  if (!existsSync(folder)) return [];
  return (
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.test.js'))
      // A compiled file whose source is gone is left over from an earlier build.
      .filter((file) => existsSync(join(root, 'packages', name, 'test', file.replace(/\.js$/, '.ts'))))
      .map((file) => join(folder, file))
  );
});

if (files.length === 0) {
  console.error(`test: no tests found in ${chosen.join(', ')}`);
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', '--test-reporter=spec', ...files],
  { cwd: root, stdio: 'inherit' },
);
process.exit(status ?? 1);
