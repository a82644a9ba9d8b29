import { parseArgs } from 'node:util';
import { loadSchema, printAsQemu, printDiagnostic } from '@godwit/qapi/schema';
import { type Io, UsageError } from '../io.js';
import { chosenDialect, DIALECT_HELP, dialectOption } from './dialect.js';

export const usage = `godwit qapi check [OPTIONS] FILE...

Finds all errors of schemas, each with its place in the text and, where it is sure, a fix.

  --first                 the first error only, in QEMU's words
  ${DIALECT_HELP}

Exit codes: 0 no error, 1 errors, 2 wrong call.`;

/** Checks schemas: all errors with their place in the text, or the first as QEMU words it. */
export async function run(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...dialectOption, first: { type: 'boolean' } },
  });
  if (positionals.length === 0) throw new UsageError('give a schema file');
  const options = chosenDialect(values.dialect);
  let errors = 0;
  for (const file of positionals) {
    const { diagnostics } = loadSchema(file, options);
    errors += diagnostics.length;
    const [first] = diagnostics;
    if (first !== undefined && values.first) {
      io.stderr.write(`${printAsQemu(first)}\n`);
      return 1;
    }
    for (const diagnostic of diagnostics) io.stderr.write(`${printDiagnostic(diagnostic)}\n`);
  }
  if (errors === 0) return 0;
  io.stderr.write(`${errors} error${errors === 1 ? '' : 's'}\n`);
  return 1;
}
