import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dialectOfVersion, inferConfig, loadSchema, parseReply, type Schema } from '../src/index.js';
import type { JsonValue, SchemaInfo } from '../src/runtime/index.js';
import type { LiveQemu } from './live-qemu.js';

export interface LiveSchema {
  readonly schema: Schema;
  /** The configuration that the binary was built with, as its reply shows it. */
  readonly config: ReadonlySet<string>;
  readonly reply: readonly SchemaInfo[];
}

/** The schema in a source tree with the configuration of a running binary that was built from it. */
export async function liveSchema(tree: string, qemu: LiveQemu): Promise<LiveSchema> {
  const version = readFileSync(join(tree, 'VERSION'), 'utf8').trim();
  const { schema, diagnostics } = loadSchema(join(tree, 'qapi', 'qapi-schema.json'), {
    dialect: dialectOfVersion(version).name,
  });
  if (schema === undefined) throw new Error(`the schema of ${tree} has ${diagnostics.length} errors`);
  const { return: value } = await qemu.execute('{"execute": "query-qmp-schema"');
  const reply = parseReply(value as JsonValue);
  const { defined, contradictory } = inferConfig(schema, reply);
  if (contradictory.size > 0) {
    throw new Error(`the binary was not built from ${tree}, version ${version}: give its source with --tree`);
  }
  return { schema, config: defined, reply };
}
