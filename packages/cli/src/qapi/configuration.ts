import { readFileSync } from 'node:fs';
import { inferConfig, readConfigHeader, type Schema } from '@godwit/qapi';
import { Failure, type Io, UsageError } from '../io.js';
import { querySchema } from './live-schema.js';

/** The options that choose a configuration, as `parseArgs` takes them. */
export const configurationOptions = {
  config: { type: 'string' },
  'config-header': { type: 'string' },
  'infer-from': { type: 'string' },
} as const;

/** What help says of them. */
export const CONFIGURATION_HELP = `--config A,B,...        the conditions that hold
  --config-header FILE    those that a config-host.h defines
  --infer-from ADDRESS    those that a running server seems to have been built with`;

export interface ConfigurationValues {
  readonly config?: string | undefined;
  readonly 'config-header'?: string | undefined;
  readonly 'infer-from'?: string | undefined;
}

/**
 * The configuration that the options choose; undefined when there is none, and every condition stays open. One that
 * is inferred from a live server is printed on standard error, in the form that `--config` takes.
 */
export async function chosenConfiguration(
  schema: Schema,
  values: ConfigurationValues,
  io: Io,
): Promise<ReadonlySet<string> | undefined> {
  const { config, 'config-header': header, 'infer-from': address } = values;
  if ([config, header, address].filter((value) => value !== undefined).length > 1) {
    throw new UsageError('give one of --config, --config-header and --infer-from');
  }
  if (config !== undefined) return new Set(config.split(',').filter((symbol) => symbol !== ''));
  if (header !== undefined) return readConfigHeader(readText(header));
  if (address !== undefined) return inferredConfiguration(schema, address, io);
  return undefined;
}

async function inferredConfiguration(schema: Schema, address: string, io: Io): Promise<ReadonlySet<string>> {
  const { defined, undecided, contradictory } = inferConfig(schema, await querySchema(address));
  io.stderr.write(`--config ${[...defined].join(',')}\n`);
  if (undecided.size > 0) {
    io.stderr.write(
      `taken as not defined, since nothing of them is to be seen: ${[...undecided].join(', ')}\n`,
    );
  }
  if (contradictory.size > 0) {
    io.stderr.write(
      `the server has another version than the schema; they differ in what depends on ${[...contradictory].join(', ')}\n`,
    );
  }
  return defined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
