import { loadSchema, printDiagnostic, type Schema } from '@godwit/qapi';
import { Failure, type Io } from './io.js';

/** Loads a schema; its errors go to standard error. */
export function readSchema(path: string, io: Io): Schema {
  const { schema, diagnostics } = loadSchema(path);
  for (const diagnostic of diagnostics) io.stderr.write(`${printDiagnostic(diagnostic)}\n`);
  if (schema === undefined) throw new Failure(`${path} is not a correct schema`);
  return schema;
}
