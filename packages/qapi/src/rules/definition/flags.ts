import type { ObjectNode, ValueNode } from '../../language/ast.js';
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

/** Whether a flag departs from its default. */
export function hasFlag(node: ObjectNode, flag: string): boolean {
  const value = node.entries.get(flag)?.value;
  return value !== undefined && (negative.includes(flag) || isTrue(value));
}

/** What is not `true` counts as it does in Python, so that one mistake leads to one error. */
function isTrue(value: ValueNode): boolean {
  switch (value.kind) {
    case 'boolean':
    case 'string':
      return value.value !== false && value.value !== '';
    case 'list':
      return value.items.length > 0;
    case 'object':
      return value.entries.size > 0;
  }
}
