import { dirname, join, resolve } from 'node:path';
import { decodeText } from './decode.js';
import { type Dialect, dialectOfVersion, dialects } from './dialect.js';
import type { SchemaReader } from './reader.js';

/** How far above a schema the root of a QEMU source tree is looked for. */
const maximumLevels = 4;
/** More files than this are not looked at. */
const maximumFiles = 1000;

const include = /\{\s*'include'\s*:\s*'([^'\n]*)'/g;
const olderTag = /^# (?:Notes?|Examples?):(?:\s|$)/gm;
const newerMark = /^# Errors:|^# *\.\. qmp-example::|'documentation-exceptions'/m;
const headingMark = /^##\n# =+ [^=\s]/gm;

/**
 * The dialect of a schema: that of the QEMU source tree in which it lies, else the one that its documentation
 * is written in, else the latest.
 */
export function detectDialect(path: string, reader: SchemaReader): Dialect {
  return dialectOfTree(path, reader) ?? dialectOfTexts(schemaTexts(path, reader)) ?? dialects['10.2'];
}

function dialectOfTree(path: string, reader: SchemaReader): Dialect | undefined {
  let folder = dirname(resolve(path));
  for (let level = 0; level < maximumLevels; level++) {
    const version = readText(join(folder, 'VERSION'), reader);
    if (version !== undefined && /^\d+\.\d+\.\d+\s*$/.test(version)) {
      const generator = readText(join(folder, 'scripts', 'qapi-gen.py'), reader);
      if (generator !== undefined) return dialectOfVersion(version);
    }
    folder = dirname(folder);
  }
  return undefined;
}

function dialectOfTexts(texts: Iterable<string>): Dialect | undefined {
  let older = false;
  let headings = 0;
  let newer = false;
  for (const text of texts) {
    older ||= hasOlderTag(text);
    headings += text.match(headingMark)?.length ?? 0;
    newer ||= newerMark.test(text);
  }
  // QEMU 10.2 has one that was forgotten.
  if (newer) return headings > 1 ? dialects['10.0'] : undefined;
  return older || headings > 1 ? dialects['7.2'] : undefined;
}

/** Only the documentation of definitions has tags. */
function hasOlderTag(text: string): boolean {
  for (const match of text.matchAll(olderTag)) {
    const block = text.lastIndexOf('##\n', match.index);
    if (block !== -1 && text.startsWith('# @', block + 3)) return true;
  }
  return false;
}

/** The texts of a schema's files, as far as they can be read. */
function* schemaTexts(path: string, reader: SchemaReader): Generator<string> {
  const known = new Set([resolve(path)]);
  for (const file of known) {
    const text = readText(file, reader);
    if (text === undefined) continue;
    yield text;
    for (const [, name] of text.matchAll(include)) {
      if (known.size < maximumFiles) known.add(resolve(dirname(file), name!));
    }
  }
}

function readText(path: string, reader: SchemaReader): string | undefined {
  try {
    return decodeText(reader.read(path));
  } catch {
    return undefined;
  }
}
