import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const file = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

test('the README shows the example as it is', () => {
  const example = file('examples/adder.ts');
  assert.ok(file('README.md').includes(example.slice(example.indexOf('import '))));
  assert.ok(example.trimEnd().split('\n').length <= 30);
});
