import { type Diagnostic, DiagnosticList } from '../diagnostics/diagnostic.js';
import { detectDialect } from '../language/detect-dialect.js';
import { type Dialect, type DialectName, dialects } from '../language/dialect.js';
import { cachedReader, fileReader, type SchemaReader } from '../language/reader.js';
import { type SchemaFile, SchemaFilesReader } from '../language/schema-files.js';
import { DefinitionContext } from '../rules/definition/context.js';
import { peekName, readDefinition } from '../rules/definition/definition.js';
import { checkDocumentedExist } from '../rules/schema/documented.js';
import type { Documentation } from './documentation.js';
import { EntityTable, type ModuleDraft, moduleDraft } from './entity-table.js';
import type { Entity, Module, Schema } from './model.js';
import { SchemaChecker } from './schema-checker.js';

export interface LoadOptions {
  /** Where files are read from; the file system by default. */
  readonly reader?: SchemaReader;
  /** Whose rules apply; by default those of the QEMU source tree around the file, or of how it is written. */
  readonly dialect?: DialectName;
  /** Loading ends after so many errors; 1000 by default. */
  readonly maximumDiagnostics?: number;
}

export interface LoadResult {
  /** Undefined if there is any error. */
  readonly schema: Schema | undefined;
  /** In the order in which QEMU would meet them, so that the first is the one that QEMU prints. */
  readonly diagnostics: readonly Diagnostic[];
  /** Whose rules were applied. */
  readonly dialect: Dialect;
}

/** Reads, checks and resolves a schema with all that it includes. Never throws for what is in the files. */
export function loadSchema(path: string, options: LoadOptions = {}): LoadResult {
  const diagnostics = new DiagnosticList(options.maximumDiagnostics ?? 1000);
  const reader = cachedReader(options.reader ?? fileReader);
  const dialect = options.dialect === undefined ? detectDialect(path, reader) : dialects[options.dialect];
  const files = new SchemaFilesReader(reader, dialect, diagnostics).read(path);
  if (files === undefined) return { schema: undefined, diagnostics: diagnostics.items, dialect };

  const table = new EntityTable(dialect.qtypePrefix);
  const definitions = files.items.flatMap((item) => {
    if (item.kind === 'include') return item;
    const context = new DefinitionContext(item.file.source, item.node, files.pragma, dialect, diagnostics);
    const definition = item.broken ? undefined : readDefinition(context, item);
    if (definition !== undefined)
      return { kind: 'definition' as const, definition, context, file: item.file };
    const name = peekName(item.node);
    if (name !== undefined) table.addBroken(name);
    return [];
  });

  const modules = new Map<SchemaFile, ModuleDraft>(files.files.map((file) => [file, moduleDraft(file.name)]));
  for (const item of definitions) {
    const module = modules.get(item.file)!;
    if (item.kind === 'include') table.include(module, modules.get(item.included)!);
    else table.define(item.definition, item.context, module);
  }

  const checker = new SchemaChecker(table);
  const checkedLast = dialect.documentedExistChecked === 'last';
  for (const event of table.events) {
    if (event.kind === 'include') continue;
    checker.check(event);
    if (!checkedLast) checkDocumentedExist(event);
  }
  for (const event of checkedLast ? table.events : []) {
    if (event.kind !== 'include') checkDocumentedExist(event);
  }
  table.featureLimit.report();
  if (diagnostics.items.length > 0) return { schema: undefined, diagnostics: diagnostics.items, dialect };

  for (const event of table.events) {
    if (event.kind === 'include') event.from.contents.push(event.include);
    else (event.entity.module as ModuleDraft).contents.push(event.entity);
  }
  return {
    schema: makeSchema(table, [table.builtinModule, ...modules.values()], files.documentation),
    diagnostics: [],
    dialect,
  };
}

function makeSchema(table: EntityTable, modules: Module[], documentation: readonly Documentation[]): Schema {
  const entities: Entity[] = [];
  for (const event of table.events) if (event.kind !== 'include') entities.push(event.entity);
  return {
    modules,
    entities,
    documentation,
    lookupType: (name) => table.lookup(name)?.entity,
    lookupCommand: (name) => {
      const record = table.get(name);
      return record?.kind === 'command' ? record.entity : undefined;
    },
    lookupEvent: (name) => {
      const record = table.get(name);
      return record?.kind === 'event' ? record.entity : undefined;
    },
  };
}
