import assert from 'node:assert/strict';
import { loadSchema, printDiagnostic, type Schema } from '../src/index.js';

/** A schema from text, without files. */
export function schemaOf(text: string): Schema {
  const reader = { read: () => new TextEncoder().encode(text) };
  const { schema, diagnostics } = loadSchema('test.json', { reader });
  assert.deepEqual(
    diagnostics.map((diagnostic) => printDiagnostic(diagnostic)),
    [],
  );
  assert.ok(schema);
  return schema;
}
