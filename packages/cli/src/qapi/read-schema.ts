import { type DialectName, loadSchema, printDiagnostic, type Schema } from '@godwit/qapi';
import { Failure, type Io, UsageError } from './io.js';

/** The option that says by which version's rules a schema is read, as `parseArgs` takes it. */
export const dialectOption = { dialect: { type: 'string' } } as const;

/** The newest first: what is correct in several dialects means the same in all of them. */
const dialects: readonly DialectName[] = ['10.2', '10.0', '7.2'];

/** So many errors say what is wrong with a schema; `godwit qapi check` prints all. */
const shownErrors = 20;

/** Loads a schema by the rules of the dialect given, or of the newest in which it is correct. */
export function readSchema(path: string, dialect: string | undefined, io: Io): Schema {
  const chosen = dialects.find((name) => name === dialect);
  if (dialect !== undefined && chosen === undefined) {
    throw new UsageError(`there is no dialect '${dialect}'; there are ${dialects.join(', ')}`);
  }
  const results = [];
  for (const name of chosen === undefined ? dialects : [chosen]) {
    const result = loadSchema(path, { dialect: name });
    if (result.schema !== undefined) return result.schema;
    results.push(result.diagnostics);
  }
  const [diagnostics = []] = results.sort((a, b) => a.length - b.length);
  for (const diagnostic of diagnostics.slice(0, shownErrors)) {
    io.stderr.write(`${printDiagnostic(diagnostic)}\n`);
  }
  const more = diagnostics.length - shownErrors;
  throw new Failure(`${path} is not a correct schema${more > 0 ? `: ${more} more errors` : ''}`);
}
