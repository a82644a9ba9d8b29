import type { Source } from '../language/source.js';
import type { Span } from '../language/span.js';
import type { Diagnostic } from './diagnostic.js';
import { inclusionLines } from './print-as-qemu.js';

/** Longer lines are cut around the place that matters. */
const maximumWidth = 120;

/** Characters that a terminal would act on; a tab is shown as it is. */
const controlCharacters = /[^\P{Cc}\t\n]/gu;

/**
 * A diagnostic for people: place, message, the source line with a caret under what is wrong, then related
 * places and a suggested fix where there are any. Without a final newline.
 */
export function printDiagnostic(diagnostic: Diagnostic): string {
  return lines(diagnostic).join('\n').replace(controlCharacters, '\ufffd');
}

function lines(diagnostic: Diagnostic): string[] {
  const { source, span, definition, message, related, fix } = diagnostic;
  if (source === undefined || span === undefined) return [`error: ${message}`];
  const within = definition === undefined ? '' : `in ${definition.kind} '${definition.name}': `;
  // The further lines are about the related place, which has a line of its own here.
  const text = related === undefined ? message : message.slice(0, message.indexOf('\n'));
  const result = [
    ...inclusionLines(source.includedFrom),
    `${span.file}:${span.line}:${span.column}: error: ${within}${text.replaceAll('\n', '\n  ')}`,
    ...excerpt(source, span),
  ];
  if (related !== undefined) {
    const { file, line, column } = related.span;
    result.push(`${file}:${line}:${column}: note: ${related.message}`);
  }
  if (fix !== undefined) result.push(`  = fix: ${fix.title}`);
  return result;
}

/** The line of a span, and the marks under it; a span over several lines is marked to the end of its first. */
function excerpt(source: Source, span: Span): string[] {
  const text = source.line(span.line).trimEnd();
  const from = span.column - 1;
  const width = Math.max(1, Math.min(span.end - span.start, text.length - from));
  const cut = from + width > maximumWidth ? Math.max(0, from - 20) : 0;
  const shown = text.slice(cut, cut + maximumWidth);
  const marks = Math.max(1, Math.min(width, maximumWidth - (from - cut)));
  const gutter = `${span.line}`;
  // Tabs are kept in front of the marks, so that they stand where the text does.
  const indent = shown.slice(0, from - cut).replace(/[^\t]/g, ' ');
  return [`${gutter} | ${shown}`, `${' '.repeat(gutter.length)} | ${indent}^${'~'.repeat(marks - 1)}`];
}
