import { QapiError } from '@godwit/qapi/runtime';
import type { BitmapMigrationNodeAlias } from '../generated/index.js';

const MAX_ALIAS_BYTES = 255;
const MAX_NODE_NAME_BYTES = 31;
const MAX_BITMAP_NAME_BYTES = 1023;

const WELL_FORMED = /^[A-Za-z][A-Za-z0-9\-._]*$/;

/**
 * Names and aliases have to be one to one.
 * @throws QapiError
 */
export function checkBitmapMapping(nodes: readonly BitmapMigrationNodeAlias[]): void {
  // All names come before any alias, as in QEMU.
  const problem = problemOfNames(nodes) ?? problemOfAliases(nodes);
  if (problem === undefined) return;
  throw new QapiError('GenericError', `Invalid mapping given for block-bitmap-mapping: ${problem}`);
}

function problemOfNames(nodes: readonly BitmapMigrationNodeAlias[]): string | undefined {
  const names = new Set<string>();
  for (const { alias, bitmaps, 'node-name': name } of nodes) {
    if (!WELL_FORMED.test(alias)) return `The node alias '${alias}' is not well-formed`;
    const problem =
      tooLong('node alias', alias, MAX_ALIAS_BYTES) ?? tooLong('node name', name, MAX_NODE_NAME_BYTES);
    if (problem !== undefined) return problem;
    if (names.has(name)) return `The node name '${name}' is mapped twice`;
    names.add(name);
    const ofBitmaps = new Set<string>();
    for (const bitmap of bitmaps) {
      const problem =
        tooLong('bitmap alias', bitmap.alias, MAX_ALIAS_BYTES) ??
        tooLong('bitmap name', bitmap.name, MAX_BITMAP_NAME_BYTES);
      if (problem !== undefined) return problem;
      if (ofBitmaps.has(bitmap.name)) return `The bitmap '${name}'/'${bitmap.name}' is mapped twice`;
      ofBitmaps.add(bitmap.name);
    }
  }
  return undefined;
}

function problemOfAliases(nodes: readonly BitmapMigrationNodeAlias[]): string | undefined {
  const aliases = new Set<string>();
  for (const { alias, bitmaps } of nodes) {
    if (aliases.has(alias)) return `The node alias '${alias}' is used twice`;
    aliases.add(alias);
    const ofBitmaps = new Set<string>();
    for (const bitmap of bitmaps) {
      if (ofBitmaps.has(bitmap.alias)) return `The bitmap alias '${alias}'/'${bitmap.alias}' is used twice`;
      ofBitmaps.add(bitmap.alias);
    }
  }
  return undefined;
}

function tooLong(what: string, name: string, limit: number): string | undefined {
  if (Buffer.byteLength(name) <= limit) return undefined;
  return `The ${what} '${name}' is longer than ${limit} bytes`;
}
