import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dumpSchema, loadSchema, printAsQemu } from '@godwit/qapi/schema';
import { type Io, UsageError } from '../io.js';
import { chosenDialect, DIALECT_HELP, dialectOption } from './dialect.js';

export const usage = `godwit qapi dump [OPTIONS] FILE

Prints a schema, or its first error, as the tests in QEMU's source do.

  -d, --dir DIR           look for FILE in DIR, and leave DIR out of messages
  ${DIALECT_HELP}`;

/**
 * Prints a schema, or its first error, as the tests in QEMU's source do. With `--dir`, the file is looked for
 * in that folder, and messages leave the folder out.
 */
export async function run(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...dialectOption, dir: { type: 'string', short: 'd' } },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError('give one schema file');
  const { dir } = values;
  const path = dir === undefined || file.includes('/') ? file : join(dir, file);
  const { schema, dialect, diagnostics } = loadSchema(path, chosenDialect(values.dialect));
  if (schema !== undefined) {
    io.stdout.write(dumpSchema(schema, dialect));
    return 0;
  }
  const message = printAsQemu(diagnostics[0]!);
  const folder = dir === undefined ? undefined : `${dir.replace(/\/+$/, '')}/`;
  io.stderr.write(`${folder === undefined ? message : message.replaceAll(folder, '')}\n`);
  return 1;
}
