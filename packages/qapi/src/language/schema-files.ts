import { basename, dirname, isAbsolute, relative, resolve } from 'node:path';
import type { DiagnosticList } from '../diagnostics/diagnostic.js';
import { readDocumentation } from '../documentation/read.js';
import type { DocumentationBlock } from '../documentation/section.js';
import type { Documentation } from '../schema/documentation.js';
import type { Located, ObjectNode } from './ast.js';
import { decodeText } from './decode.js';
import type { Dialect } from './dialect.js';
import { Parser } from './parser.js';
import { defaultPragma, type Pragma, setPragma } from './pragma.js';
import { readErrorText, type SchemaReader } from './reader.js';
import { type Inclusion, Source } from './source.js';

/** How deep files may include each other. */
const maximumIncludeDepth = 200;

/** A definition as it was written, with nothing checked but its syntax. */
export interface WrittenDefinition {
  readonly kind: 'definition';
  readonly file: SchemaFile;
  readonly node: ObjectNode;
  readonly documentation: DocumentationBlock | undefined;
  /** It has errors of syntax; what is known of it is only good to know its name. */
  readonly broken: boolean;
}

export interface WrittenInclude {
  readonly kind: 'include';
  readonly file: SchemaFile;
  readonly included: SchemaFile;
}

export interface SchemaFile {
  /** Relative to the folder of the root file. */
  readonly name: string;
  readonly source: Source;
}

/** All files of a schema. */
export interface SchemaFiles {
  /** The root first, the others in the order in which they are first included. */
  readonly files: readonly SchemaFile[];
  /** In order; what a file contains follows the directive that first includes it. */
  readonly items: readonly (WrittenDefinition | WrittenInclude)[];
  readonly pragma: Pragma;
  /** All blocks in order, those of an included file where it is first included. */
  readonly documentation: readonly Documentation[];
}

interface Problem {
  readonly message: string;
  readonly at: Located;
}

/** Reads and parses a schema with all that it includes. */
export class SchemaFilesReader {
  readonly #reader: SchemaReader;
  readonly #dialect: Dialect;
  readonly #diagnostics: DiagnosticList;
  readonly #files = new Map<string, SchemaFile>();
  /** Absolute paths of the files that are being read, outermost first. */
  readonly #open: string[] = [];
  readonly #items: (WrittenDefinition | WrittenInclude)[] = [];
  readonly #documentation: Documentation[] = [];
  readonly #pragma = defaultPragma();
  #folder = '';

  constructor(reader: SchemaReader, dialect: Dialect, diagnostics: DiagnosticList) {
    this.#reader = reader;
    this.#dialect = dialect;
    this.#diagnostics = diagnostics;
  }

  /** Undefined when the file itself cannot be read. */
  read(path: string): SchemaFiles | undefined {
    this.#folder = dirname(resolve(path));
    let text: string;
    try {
      text = decodeText(this.#reader.read(path));
    } catch (error) {
      const message = `can't read schema file '${path}': ${readErrorText(error)}`;
      const nowhere = { span: undefined, source: undefined, definition: undefined, reported: undefined };
      this.#diagnostics.add({ rule: 'readable-file', message }, nowhere);
      return undefined;
    }
    this.#readFile(resolve(path), { name: basename(path), source: new Source(path, text) });
    return {
      files: [...this.#files.values()],
      items: this.#items,
      pragma: this.#pragma,
      documentation: this.#documentation,
    };
  }

  #readFile(absolute: string, file: SchemaFile): void {
    this.#files.set(absolute, file);
    this.#open.push(absolute);
    this.#readItems(file);
    this.#open.pop();
  }

  #readItems(file: SchemaFile): void {
    const { source } = file;
    const syntax = (message: string, start: number, end: number, reportedAt = start): void =>
      this.#report(source, 'syntax', message, { start, end }, reportedAt);
    const line = (message: string, start: number, end: number): void =>
      this.#report(source, 'documentation', message, { start, end });
    const parser = new Parser(source, syntax);
    /** A block that waits for the definition that has to follow. */
    let pending: DocumentationBlock | undefined;
    for (let item = parser.next(); item !== undefined && !this.#diagnostics.full; item = parser.next()) {
      if (item.kind === 'documentation') {
        this.#mustNotPend(source, pending);
        const { blocks, end } = readDocumentation(source, item.start, this.#dialect, { syntax, line });
        for (const block of blocks) this.#documentation.push(block);
        pending = blocks.at(-1);
        parser.resume(end);
        continue;
      }
      const { value, broken } = item;
      if (value.kind !== 'object') {
        this.#report(source, 'top-level-expression', 'top-level expression must be an object', value);
      } else if (value.entries.has('include')) {
        this.#mustNotPend(source, pending);
        if (!broken) this.#reportDirective(source, 'include', value, this.#include(file, value));
      } else if (value.entries.has('pragma')) {
        this.#mustNotPend(source, pending);
        if (!broken) this.#setPragmas(source, value);
      } else {
        let documentation = pending;
        if (pending !== undefined && pending.symbol === undefined) {
          this.#report(source, 'definition-documentation', 'definition documentation required', pending);
          documentation = undefined;
        }
        this.#items.push({ kind: 'definition', file, node: value, documentation, broken });
      }
      pending = undefined;
    }
    this.#mustNotPend(source, pending);
  }

  #mustNotPend(source: Source, block: DocumentationBlock | undefined): void {
    const symbol = block?.symbol;
    if (block === undefined || symbol === undefined) return;
    const message = `documentation for '${symbol}' is not followed by the definition`;
    this.#report(source, 'documentation-placement', message, block);
  }

  /** Follows an include; returns what is wrong with it. */
  #include(file: SchemaFile, directive: ObjectNode): Problem | undefined {
    const { source } = file;
    if (directive.entries.size !== 1) return { message: "invalid 'include' directive", at: directive };
    const target = directive.entries.get('include')!.value;
    if (target.kind !== 'string') return { message: "value of 'include' must be a string", at: target };
    const path = joinPath(source.path, target.value);
    const absolute = resolve(path);
    if (this.#open.includes(absolute)) return { message: `inclusion loop for ${target.value}`, at: target };
    const known = this.#files.get(absolute);
    if (known !== undefined) {
      this.#items.push({ kind: 'include', file, included: known });
      return undefined;
    }
    if (this.#open.length >= maximumIncludeDepth) {
      return { message: `files include each other more than ${maximumIncludeDepth} levels deep`, at: target };
    }
    let text: string;
    try {
      text = decodeText(this.#reader.read(path));
    } catch (error) {
      return { message: `can't read include file '${path}': ${readErrorText(error)}`, at: target };
    }
    const { line } = source.position(directive.start);
    const inclusion: Inclusion = { file: source.path, line, parent: source.includedFrom };
    const included = { name: relative(this.#folder, absolute), source: new Source(path, text, inclusion) };
    this.#items.push({ kind: 'include', file, included });
    this.#readFile(absolute, included);
    return undefined;
  }

  #setPragmas(source: Source, directive: ObjectNode): void {
    const pragmas = directive.entries.get('pragma')!.value;
    if (directive.entries.size !== 1) {
      this.#reportDirective(source, 'pragma', directive, {
        message: "invalid 'pragma' directive",
        at: directive,
      });
    } else if (pragmas.kind !== 'object') {
      const problem = { message: "value of 'pragma' must be an object", at: pragmas };
      this.#reportDirective(source, 'pragma', directive, problem);
    } else {
      for (const [name, { key, value }] of pragmas.entries) {
        const message = setPragma(this.#pragma, name, value, this.#dialect);
        const at = message?.startsWith('unknown') ? key : value;
        this.#reportDirective(
          source,
          'pragma',
          directive,
          message === undefined ? undefined : { message, at },
        );
      }
    }
  }

  #reportDirective(source: Source, rule: string, directive: ObjectNode, problem: Problem | undefined): void {
    if (problem !== undefined) this.#report(source, rule, problem.message, problem.at, undefined, directive);
  }

  /** QEMU names the column only for errors of syntax, and the line of the whole directive for the others. */
  #report(
    source: Source,
    rule: string,
    message: string,
    at: Located,
    reportedAt?: number,
    whole: Located = at,
  ): void {
    const reported =
      reportedAt === undefined
        ? { line: source.position(whole.start).line, column: undefined }
        : source.displayPlace(reportedAt);
    this.#diagnostics.add(
      { rule, message },
      { source, span: source.span(at.start, at.end), definition: undefined, reported },
    );
  }
}

/** The path of an include, relative to the including file; spelt as it was written. */
function joinPath(including: string, included: string): string {
  if (isAbsolute(included)) return included;
  const folder = dirname(including);
  if (folder === '.' && !including.startsWith('./')) return included;
  return folder.endsWith('/') ? folder + included : `${folder}/${included}`;
}
