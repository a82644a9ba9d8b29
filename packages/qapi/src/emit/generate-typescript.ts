import { introspect } from '../introspect/introspect.js';
import type { Schema } from '../schema/model.js';
import { emitCommandMap, emitEventMap } from './command-map.js';
import type { GenerationContext } from './context.js';
import { outputTypes } from './directions.js';
import { Identifiers } from './identifiers.js';
import { type Data, printLiteral } from './literal.js';
import { Presence } from './presence.js';
import { describeProtocol } from './protocol.js';
import { SourceFile } from './source-file.js';
import { emitTypes, runtimeModule } from './types.js';

export interface GenerateOptions {
  /** The configuration symbols that are defined; without it, conditional things are kept and conditional members optional. */
  readonly config?: ReadonlySet<string>;
  /** What the first line of every file says of its origin. */
  readonly header?: string;
}

/** The names that the files declare beside the schema's types. */
const ownNames = ['Commands', 'Events', 'protocol', 'introspection'];

/**
 * Generates TypeScript from a schema: file texts by file name.
 *
 * - `types.ts`: the schema's types
 * - `commands.ts`, `events.ts`: the interfaces `Commands` and `Events`
 * - `protocol.ts`: the constant `protocol`, all of it as data
 * - `introspection.ts`: the reply to query-qmp-schema; on its own, to be loaded when it is asked for
 * - `index.ts`: everything but the last
 *
 * They import `@godwit/qapi/runtime` and compile with TypeScript 5.4 and later under `strict`.
 */
export function generateTypeScript(
  schema: Schema,
  { config, header = 'Generated from a QAPI schema by godwit qapi gen. Do not edit.' }: GenerateOptions = {},
): Map<string, string> {
  const presence = new Presence(config);
  const identifiers = new Identifiers(schema, ownNames);
  const types = new SourceFile(header, identifiers.all());
  const context: GenerationContext = {
    schema,
    presence,
    identifiers,
    received: outputTypes(schema, presence),
    typeName: (type, file) =>
      file === types ? identifiers.of(type) : file.importType('./types.js', identifiers.of(type)),
  };
  emitTypes(context, types);

  const commands = new SourceFile(header, ['Commands']);
  emitCommandMap(context, commands);

  const events = new SourceFile(header, ['Events']);
  emitEventMap(context, events);

  const protocol = new SourceFile(header, ['protocol']);
  const maps = [
    protocol.importType('./commands.js', 'Commands'),
    protocol.importType('./events.js', 'Events'),
  ];
  const protocolType = `${protocol.importType(runtimeModule, 'Protocol')}<${maps.join(', ')}>`;
  const descriptor = printLiteral(describeProtocol(schema, config) as unknown as Data);
  protocol.add(
    '/** The whole protocol as data, typed by its commands and events. */',
    `export const protocol: ${protocolType} = ${descriptor};`,
  );

  const introspection = new SourceFile(header, ['introspection']);
  const info = introspection.importType(runtimeModule, 'SchemaInfo');
  const entities = introspect(schema, config === undefined ? {} : { config }).map((one) =>
    templateText(JSON.stringify(one)),
  );
  introspection.add(
    '/** The reply to query-qmp-schema, as text that is read much faster than code. */',
    `export const introspection: readonly ${info}[] = JSON.parse(String.raw\`[`,
    entities.join(',\n'),
    ']`);',
  );

  const index = new SourceFile(header, []);
  index.add(
    "export type { Commands } from './commands.js';",
    "export type { Events } from './events.js';",
    "export { protocol } from './protocol.js';",
    "export type * from './types.js';",
  );

  return new Map(
    Object.entries({
      'types.ts': types,
      'commands.ts': commands,
      'events.ts': events,
      'protocol.ts': protocol,
      'introspection.ts': introspection,
      'index.ts': index,
    }).map(([name, file]) => [name, file.toString()]),
  );
}

/** JSON text as it can stand in a raw template: what would end it or start an expression becomes an escape of JSON. */
function templateText(json: string): string {
  return json.replaceAll('`', '\\u0060').replaceAll('${', '\\u0024{');
}
