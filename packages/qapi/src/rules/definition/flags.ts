import type { ObjectNode } from '../../language/ast.js';
import type { DefinitionContext } from './context.js';

/** Flags that say `false` to something that is true by default. */
const negative = ['gen', 'success-response'];
const positive = ['boxed', 'allow-oob', 'allow-preconfig', 'coroutine'];

/** A flag is only written where it differs from its default, and some exclude each other. */
export function checkFlags(context: DefinitionContext, node: ObjectNode): void {
  const check = (flag: string, only: boolean): void => {
    const entry = node.entries.get(flag);
    if (entry === undefined) return;
    const { value } = entry;
    if (value.kind === 'boolean' && value.value === only) return;
    context.report('flags', `flag '${flag}' may only use ${only} value`, value);
  };
  for (const flag of negative) check(flag, false);
  for (const flag of positive) check(flag, true);
  if (hasFlag(node, 'allow-oob') && hasFlag(node, 'coroutine')) {
    const { key } = node.entries.get('coroutine')!;
    context.report('flags', "flags 'allow-oob' and 'coroutine' are incompatible", key);
  }
}

export function hasFlag(node: ObjectNode, flag: string): boolean {
  return node.entries.has(flag);
}
