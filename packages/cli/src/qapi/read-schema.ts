import { loadSchema, printDiagnostic, type Schema } from '@godwit/qapi';
import { Failure, type Io } from '../io.js';
import { chosenDialect } from './dialect.js';

/** So many errors say what is wrong with a schema; `godwit qapi check` prints all. */
const shownErrors = 20;

/** Loads a schema that has to be correct; its errors go to standard error. */
export function readSchema(path: string, dialect: string | undefined, io: Io): Schema {
  const { schema, diagnostics } = loadSchema(path, chosenDialect(dialect));
  if (schema !== undefined) return schema;
  for (const diagnostic of diagnostics.slice(0, shownErrors)) {
    io.stderr.write(`${printDiagnostic(diagnostic)}\n`);
  }
  const more = diagnostics.length - shownErrors;
  throw new Failure(`${path} is not a correct schema${more > 0 ? `: ${more} more errors` : ''}`);
}
