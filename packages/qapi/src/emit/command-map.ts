import type { Command, Event } from '../schema/model.js';
import type { GenerationContext } from './context.js';
import { propertyName } from './literal.js';
import { interfaceLines, lineWidth, type SourceFile } from './source-file.js';
import { TsDoc } from './tsdoc.js';
import { runtimeModule, typeReference } from './types.js';

/** Writes the `Commands` interface: arguments, return value and properties of every command. */
export function emitCommandMap(context: GenerationContext, file: SourceFile): void {
  const commands = context.schema.entities.filter((entity) => entity.kind === 'command');
  const body = commands
    .filter((entity) => context.presence.possible(entity))
    .flatMap((entity) => command(context, file, entity));
  file.add('/** Every command: its arguments and what it returns. */', ...interfaceLines('Commands', body));
}

/** Writes the `Events` interface: the data of every event. */
export function emitEventMap(context: GenerationContext, file: SourceFile): void {
  const events = context.schema.entities.filter((entity) => entity.kind === 'event');
  const body = events
    .filter((entity) => context.presence.possible(entity))
    .flatMap((entity) => event(context, file, entity));
  file.add('/** Every event and the data that it carries. */', ...interfaceLines('Events', body));
}

function event(context: GenerationContext, file: SourceFile, entity: Event): string[] {
  const { argument } = entity;
  const data = argument === undefined ? 'undefined' : typeReference(context, file, argument, true);
  return [...documentation(context, entity), `  ${propertyName(entity.name)}: ${data};`];
}

function command(context: GenerationContext, file: SourceFile, entity: Command): string[] {
  const shape = [
    `args: ${argumentsOf(context, file, entity)}`,
    `returns: ${entity.returns === undefined ? 'void' : typeReference(context, file, entity.returns, true)}`,
    ...(entity.allowOob ? ['oob: true'] : []),
    ...(entity.successResponse ? [] : ['noReply: true']),
  ];
  const doc = documentation(context, entity);
  const line = `  ${propertyName(entity.name)}: { ${shape.join('; ')} };`;
  if (line.length <= lineWidth) return [...doc, line];
  return [...doc, `  ${propertyName(entity.name)}: {`, ...shape.map((part) => `    ${part};`), '  };'];
}

/** A command without generated marshalling takes members beyond those that the schema declares. */
function argumentsOf(context: GenerationContext, file: SourceFile, entity: Command): string {
  const declared =
    entity.argument === undefined ? undefined : typeReference(context, file, entity.argument, false);
  if (entity.generate) return declared ?? 'undefined';
  if (entity.argument === undefined) return 'undefined';
  return `${declared} & ${file.importType(runtimeModule, 'JsonObject')}`;
}

function documentation({ presence }: GenerationContext, entity: Command | Event): string[] {
  const features = entity.features.filter((feature) => presence.possible(feature));
  const condition = presence.doubtful(entity) ? entity.condition : undefined;
  return new TsDoc().definition(entity.doc).marks(features, entity.doc, condition).lines('  ');
}
