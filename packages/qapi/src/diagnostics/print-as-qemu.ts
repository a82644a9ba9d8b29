import type { Inclusion } from '../language/source.js';
import type { Diagnostic } from './diagnostic.js';

/**
 * A diagnostic in exactly the form in which QEMU's own tools print an error: the chain of includes, the
 * definition, then file, line (and column, for errors of syntax) and message. Without a final newline.
 */
export function printAsQemu(diagnostic: Diagnostic): string {
  const { source, reported, definition, message } = diagnostic;
  if (source === undefined || reported === undefined) return message;
  const lines = inclusionLines(source.includedFrom);
  if (definition !== undefined) lines.push(`${source.path}: In ${definition.kind} '${definition.name}':`);
  const column = reported.column === undefined ? '' : `:${reported.column}`;
  lines.push(`${source.path}:${reported.line}${column}: ${message}`);
  return lines.join('\n');
}

/** The files through which a file was included, outermost first. */
export function inclusionLines(inclusion: Inclusion | undefined): string[] {
  const lines: string[] = [];
  for (let at = inclusion; at !== undefined; at = at.parent) {
    lines.push(`In file included from ${at.file}:${at.line}:`);
  }
  return lines.reverse();
}
