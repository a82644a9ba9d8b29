import {
  type Diagnostic,
  type DialectName,
  type LoadResult,
  loadSchema,
  type SchemaReader,
} from '../src/index.js';

/** Serves files from memory. */
export function memoryReader(files: Readonly<Record<string, string | Uint8Array>>): SchemaReader {
  return {
    read(path) {
      const contents = Object.hasOwn(files, path) ? files[path] : undefined;
      if (contents === undefined) throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
      return typeof contents === 'string' ? new TextEncoder().encode(contents) : contents;
    },
  };
}

/** Loads the file `test.json` from memory, with more files beside it. */
export function load(
  text: string | Uint8Array,
  { dialect = '10.2', ...files }: { dialect?: DialectName; [path: string]: string | undefined } = {},
): LoadResult {
  const others = Object.fromEntries(
    Object.entries(files).flatMap(([path, contents]) => (contents === undefined ? [] : [[path, contents]])),
  );
  return loadSchema('test.json', { dialect, reader: memoryReader({ 'test.json': text, ...others }) });
}

/** The text that a diagnostic marks. */
export function markedText({ source, span }: Diagnostic): string | undefined {
  return source === undefined || span === undefined ? undefined : source.text.slice(span.start, span.end);
}

/** The text of a diagnostic's file after its fix. */
export function fixedText({ source, fix }: Diagnostic): string | undefined {
  if (source === undefined || fix === undefined) return undefined;
  return source.text.slice(0, fix.span.start) + fix.text + source.text.slice(fix.span.end);
}
