import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly files: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

const packages = fileURLToPath(new URL('../../..', import.meta.url));

/** The files of a package that others come in by, relative to its folder; those of a pattern are left out. */
function entrances({ bin = {}, exports }: Manifest): string[] {
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  );
  return [...Object.values(bin), ...targets].filter((target) => !target.includes('*'));
}

/** What a script imports from its own package, relative to the package's folder. */
function ownImports(folder: string, script: string): string[] {
  const text = readFileSync(join(folder, script), 'utf8');
  return [...text.matchAll(/from '(\.[^']+)'/g)].map(([, path]) => join(dirname(script), path!));
}

for (const name of readdirSync(packages)) {
  test(`the package of ${name} carries every file that it is entered by`, () => {
    const folder = join(packages, name);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const scripts = Object.values(manifest.bin ?? {});
    const needed = [...entrances(manifest), ...scripts.flatMap((script) => ownImports(folder, script))].map(
      (path) => join(path),
    );
    for (const path of needed) {
      assert.ok(existsSync(join(folder, path)), `${path} does not exist`);
      const packed =
        path === 'package.json' ||
        manifest.files.some((entry) => path === entry || path.startsWith(`${entry}/`));
      assert.ok(packed, `${path} is in none of ${manifest.files.join(', ')}`);
    }
  });
}
