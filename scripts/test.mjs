// Runs the compiled tests of all packages, or of those named, or one file: node scripts/test.mjs [PACKAGE[/FILE]...]
//
// Properties are tested with the same values in every run. GODWIT_SEED=N takes others, GODWIT_SEED=random new ones.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const named = process.argv.slice(2);
const chosen = named.length > 0 ? named : readdirSync(join(root, 'packages')).sort();

const files = chosen.flatMap((name) => {
  const [packageName, ...wanted] = name.split('/');
  const folder = join(root, 'packages', packageName, 'dist', 'test');
  if (!existsSync(folder)) return [];
  return (
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.test.js'))
      .filter((file) => wanted.length === 0 || file === `${wanted.join('/')}.test.js`)
      // A compiled file whose source is gone is left over from an earlier build.
      .filter((file) => existsSync(join(root, 'packages', packageName, 'test', file.replace(/\.js$/, '.ts'))))
      .map((file) => join(folder, file))
  );
});

if (files.length === 0) {
  console.error(`test: no tests found in ${chosen.join(', ')}`);
  process.exit(1);
}
// fast-check takes a seed of 32 bits with sign.
const seed = process.env.GODWIT_SEED === 'random' ? randomInt(2 ** 31) : Number(process.env.GODWIT_SEED ?? 1);
if (!Number.isInteger(seed) || seed !== (seed | 0)) {
  console.error(
    `test: GODWIT_SEED is a whole number of 32 bits or 'random', not '${process.env.GODWIT_SEED}'`,
  );
  process.exit(1);
}
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    `--import=${pathToFileURL(join(root, 'scripts', 'property-seed.mjs'))}`,
    '--test',
    '--test-reporter=spec',
    ...files,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, GODWIT_SEED: String(seed) } },
);
console.log(
  `properties were tested with GODWIT_SEED=${seed} (another number or 'random' tries other values)`,
);
process.exit(status ?? 1);
