import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateTypeScript, type Schema, schemaFromReply } from '@godwit/qapi';
import { Failure, type Io, UsageError } from '../io.js';
import {
  CONFIGURATION_HELP,
  type ConfigurationValues,
  chosenConfiguration,
  configurationOptions,
} from './configuration.js';
import { DIALECT_HELP, dialectOption } from './dialect.js';
import { querySchema } from './live-schema.js';
import { readSchema } from './read-schema.js';

export const usage = `godwit qapi gen [OPTIONS] -o DIR FILE
       godwit qapi gen [OPTIONS] -o DIR --from ADDRESS

Generates TypeScript (types, commands, events and the data by which they are checked) from a schema, or from what a
running QEMU or godwit machine says of its own. The files import @godwit/qapi/runtime and nothing else.

  -o, --output DIR        the folder for the files; those that are as they should be are left alone
  --from ADDRESS          ask the QMP monitor there: unix:PATH or a path, tcp:HOST:PORT or HOST:PORT
  --like FILE             name types as this schema does, with --from (that of godwit's machine)
  ${CONFIGURATION_HELP}
  ${DIALECT_HELP}

Without conditions given, what is conditional is there, and conditional members are optional.`;

type Values = ConfigurationValues & { readonly dialect?: string | undefined };

/** Generates TypeScript from a schema, or from what a running server says of its own. */
export async function run(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...configurationOptions,
      ...dialectOption,
      from: { type: 'string' },
      like: { type: 'string' },
      output: { type: 'string', short: 'o' },
    },
  });
  const [file, ...more] = positionals;
  const { from, like, output } = values;
  if ((file === undefined) === (from === undefined) || more.length > 0) {
    throw new UsageError('give one schema file, or --from ADDRESS');
  }
  if (output === undefined) throw new UsageError('give a folder with -o DIR');
  if (from === undefined && like !== undefined) throw new UsageError('--like goes with --from');
  const files =
    from === undefined ? await fromFile(file!, values, io) : await fromServer(from, like, values, io);
  const written = writeChanged(output, files);
  io.stderr.write(`${output}: ${files.size} files, ${written} of them changed\n`);
  return 0;
}

async function fromFile(file: string, values: Values, io: Io): Promise<ReadonlyMap<string, string>> {
  const schema = readSchema(file, values.dialect, io);
  const config = await chosenConfiguration(schema, values, io);
  return generateTypeScript(schema, config === undefined ? {} : { config });
}

/** Types are named as in the known schema where they match; what it does not have is named by its use. */
async function fromServer(
  address: string,
  like: string | undefined,
  values: Values,
  io: Io,
): Promise<ReadonlyMap<string, string>> {
  if (
    values.config !== undefined ||
    values['config-header'] !== undefined ||
    values['infer-from'] !== undefined
  ) {
    throw new UsageError('a running server has its own configuration');
  }
  const known = like === undefined ? ownSchema(io) : readSchema(like, values.dialect, io);
  const schema = schemaFromReply(await querySchema(address), known);
  return generateTypeScript(schema, {
    header: `Generated from the schema of the server at ${address} by godwit qapi gen. Do not edit.`,
  });
}

/** The schema of the machine that comes with this package. */
function ownSchema(io: Io): Schema {
  return readSchema(fileURLToPath(import.meta.resolve('@godwit/machine/schema/godwit.json')), undefined, io);
}

/** Leaves files alone that are as they should be, so that nothing is built again for them. */
function writeChanged(folder: string, files: ReadonlyMap<string, string>): number {
  let written = 0;
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) {
      const path = join(folder, name);
      if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
      writeFileSync(path, text);
      written += 1;
    }
  } catch (error) {
    throw new Failure(`cannot write to ${folder}: ${(error as Error).message}`, { cause: error });
  }
  return written;
}
