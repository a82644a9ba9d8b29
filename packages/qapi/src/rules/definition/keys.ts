import type { ObjectNode } from '../../language/ast.js';
import type { DefinitionContext } from './context.js';

/** All required keys are there and no unknown ones. Returns whether the required ones are. */
export function checkKeys(
  context: DefinitionContext,
  node: ObjectNode,
  what: string,
  required: readonly string[],
  optional: readonly string[],
): boolean {
  let found = 0;
  for (const key of required) if (node.entries.has(key)) found++;
  const complete = found === required.length;
  if (!complete) {
    const missing = required.filter((key) => !node.entries.has(key)).sort();
    context.report('required-keys', `${what} misses key${plural(missing)} ${quoted(missing)}`, node);
  }
  for (const key of optional) if (node.entries.has(key)) found++;
  if (found !== node.entries.size) reportUnknown(context, node, what, [...required, ...optional].sort());
  return complete;
}

function reportUnknown(
  context: DefinitionContext,
  node: ObjectNode,
  what: string,
  known: readonly string[],
): void {
  const unknown = [...node.entries.keys()].filter((key) => !known.includes(key)).sort();
  const { key } = node.entries.get(unknown[0]!)!;
  const meant = unknown.length === 1 ? context.suggest(key.value, known) : undefined;
  const usable = meant !== undefined && !node.entries.has(meant);
  context.report(
    'known-keys',
    `${what} has unknown key${plural(unknown)} ${quoted(unknown)}\nValid keys are ${quoted(known)}.`,
    key,
    usable ? { fix: context.replaceString(key, meant) } : {},
  );
}

function plural(list: readonly string[]): string {
  return list.length === 1 ? '' : 's';
}

function quoted(list: readonly string[]): string {
  return list.map((item) => `'${item}'`).join(', ');
}
