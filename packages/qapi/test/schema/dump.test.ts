import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { dialects, dumpSchema, loadSchema, printDiagnostic } from '../../src/index.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url));

describe('a dump', () => {
  // The expected dumps were made by the tools of QEMU 10.2 and 7.2.
  for (const [name, dialect] of [
    ['kitchen-sink', '10.2'],
    ['kitchen-sink-older', '7.2'],
  ] as const) {
    it(`of ${name}.json is the one that QEMU ${dialect} makes`, () => {
      const { schema, diagnostics } = loadSchema(fixture(`${name}.json`), { dialect });
      assert.deepEqual(diagnostics.map(printDiagnostic), []);
      assert.equal(dumpSchema(schema!, dialects[dialect]), readFileSync(fixture(`${name}.out`), 'utf8'));
    });
  }
});
