import type { Inclusion, Source } from '../language/source.js';
import type { DefinitionName, Diagnostic, ReportedPlace } from './diagnostic.js';

/**
 * A diagnostic in exactly the form in which QEMU's own tools print an error: the chain of includes, the
 * definition, then file, line (and column, for errors of syntax) and message. Without a final newline.
 */
export function printAsQemu(diagnostic: Diagnostic): string {
  const { source, reported, definition, message } = diagnostic;
  if (source === undefined || reported === undefined) return message;
  return printAt(source, definition, reported, message);
}

/** A message with the place that it is about. */
export function printAt(
  source: Source,
  definition: DefinitionName | undefined,
  place: ReportedPlace,
  message: string,
): string {
  const lines = inclusionLines(source.includedFrom);
  // A name that is empty is as good as none.
  if (definition !== undefined && definition.name !== '')
    lines.push(`${source.path}: In ${definition.kind} '${definition.name}':`);
  const column = place.column === undefined ? '' : `:${place.column}`;
  lines.push(`${source.path}:${place.line}${column}: ${message}`);
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
