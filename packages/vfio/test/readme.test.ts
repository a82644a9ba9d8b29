import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MODELS, modelProperties } from '../src/index.js';

const compiled = dirname(fileURLToPath(import.meta.url));
const readme = readFileSync(join(compiled, '..', '..', 'README.md'), 'utf8');

test('the example of the README runs and prints what it says', () => {
  const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1];
  assert.ok(example);
  // Inside of the package, so that it finds the packages as an application does.
  const folder = mkdtempSync(join(compiled, 'readme-'));
  try {
    const program = join(folder, 'example.mjs');
    writeFileSync(program, example);
    const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
    assert.equal(stderr, '');
    const expected = /verify\(\)\); \/\/ (.*)/.exec(example)?.[1];
    assert.ok(stdout.endsWith(`${expected}\n`), stdout);
    assert.match(stdout, /initialBytes: 8388\d+, dirtyBytes: 0/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the README names every model, and only properties that exist', () => {
  const names = new Set(
    [...MODELS.keys()].flatMap((model) => modelProperties(model).map((property) => property.name)),
  );
  for (const model of MODELS.keys()) assert.ok(readme.includes(`| \`${model}\` |`), model);
  for (const [, name] of readme.matchAll(/`((?:fail|dma|dirty|state|reinit|corrupt)-[a-z-]+)[`=]/g)) {
    assert.ok(names.has(name!), name);
  }
});
