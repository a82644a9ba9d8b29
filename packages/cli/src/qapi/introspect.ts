import { parseArgs } from 'node:util';
import { introspect } from '@godwit/qapi';
import { type Io, UsageError } from '../io.js';
import { CONFIGURATION_HELP, chosenConfiguration, configurationOptions } from './configuration.js';
import { DIALECT_HELP, dialectOption } from './dialect.js';
import { readSchema } from './read-schema.js';

export const usage = `godwit qapi introspect [OPTIONS] FILE

Prints what query-qmp-schema replies of a server that is built from the schema: a JSON array, an entity a line.

  --unmasked              types by their names in the schema
  ${CONFIGURATION_HELP}
  ${DIALECT_HELP}`;

/** Prints the reply to query-qmp-schema of a server that is built from the schema: a JSON array, an entity a line. */
export async function run(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { ...configurationOptions, ...dialectOption, unmasked: { type: 'boolean' } },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) throw new UsageError('give one schema file');
  const schema = readSchema(file, values.dialect, io);
  const config = await chosenConfiguration(schema, values, io);
  const entities = introspect(schema, {
    ...(config !== undefined && { config }),
    ...(values.unmasked && { unmasked: true }),
  });
  io.stdout.write(`[${entities.map((entity) => JSON.stringify(entity)).join(',\n ')}]\n`);
  return 0;
}
