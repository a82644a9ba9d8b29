import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../..', import.meta.url));

/** What the examples take from the reader: by the file that they import, or the names that they use. */
const GIVEN_FILES: Readonly<Record<string, string>> = {
  // What `godwit qapi gen` writes.
  'qemu/index.ts': "export * from '@godwit/machine/protocol';\n",
  'my-device.d.ts': "export const MyDevice: new () => import('@godwit/vfio').MigratableDevice;\n",
};
const GIVEN_NAMES: Readonly<Record<string, string>> = {
  migration: "declare const here: import('@godwit/migration').MachinePort, there: typeof here;\n",
};

test('every TypeScript example of the READMEs compiles, as strictly as a user may want it', () => {
  // Inside of the package, so that the examples find the packages as an application does.
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'examples-'));
  try {
    for (const [name, text] of Object.entries(GIVEN_FILES)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    let examples = 0;
    const packages = readdirSync(join(root, 'packages'));
    for (const name of ['', ...packages.map((each) => `packages/${each}`)]) {
      const readme = readFileSync(join(root, name, 'README.md'), 'utf8');
      for (const [, text] of readme.matchAll(/```ts\n([\s\S]*?)```/g)) {
        const last = name.split('/').at(-1)!;
        // An import or export makes a module of every example, so that their names do not meet.
        writeFileSync(
          join(folder, `${last}-${examples++}.ts`),
          `${GIVEN_NAMES[last] ?? ''}${text}\nexport {};\n`,
        );
      }
    }
    assert.ok(examples >= 12, `${examples} examples`);
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023'],
      types: ['node'],
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    assert.equal(stdout, '');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every link of the documents leads to a file', () => {
  const packages = readdirSync(join(root, 'packages'));
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].concat(
    packages.map((name) => `packages/${name}/README.md`),
  );
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    for (const [, target] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (target!.includes('://')) continue;
      assert.ok(existsSync(join(root, dirname(document), target!)), `${document}: ${target}`);
    }
  }
});
