import type { StringNode, ValueNode } from '../../language/ast.js';
import type { DefinitionContext } from './context.js';

const downstreamPrefix = /^__[a-z0-9.-]+_/i;
const validName = /^(__[a-z0-9.-]+_)?(x-)?[a-z][a-z0-9_-]*$/i;
/** What nearly every name looks like; good without a closer look. */
const plainLowerCase = /^[a-pr-z][a-z0-9-]*$/;
const camelCase = /^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*$/;
const reservedPrefix = /^q_/i;

/** A name has to be a string. `what` is what it names: `'struct'`, `'features' member`. */
export function readName(context: DefinitionContext, value: ValueNode, what: string): StringNode | undefined {
  if (value.kind === 'string') return value;
  context.report('name-is-string', `${what} requires a string name`, value);
  return undefined;
}

/** The part of a valid name that follows the prefixes of vendors and experiments; undefined if it is not valid. */
function checkName(
  context: DefinitionContext,
  node: StringNode,
  what: string,
  name = node.value,
): string | undefined {
  if (!validName.test(name) || reservedPrefix.test(name.replaceAll('-', '_'))) {
    context.report('valid-name', `${what} has an invalid name`, node);
    return undefined;
  }
  return name.replace(downstreamPrefix, '').replace(/^x-/i, '');
}

/** Commands, members and features are lower-case, with words joined by hyphens. */
export function checkLowerCase(
  context: DefinitionContext,
  node: StringNode,
  what: string,
  name: string,
  permit: { readonly upper?: boolean; readonly underscore?: boolean },
): void {
  if (plainLowerCase.test(name)) return;
  const stem = checkName(context, node, what, name);
  if (stem === undefined) return;
  if ((!permit.upper && /[A-Z]/.test(stem)) || (!permit.underscore && stem.includes('_'))) {
    context.report('lower-case-name', `name of ${what} must not use uppercase or '_'`, node);
  }
}

/** Events are upper-case, with words joined by underscores. */
export function checkUpperCase(context: DefinitionContext, node: StringNode, what: string): void {
  const stem = checkName(context, node, what);
  if (stem !== undefined && /[a-z-]/.test(stem)) {
    const fix = context.replaceString(node, node.value.toUpperCase().replaceAll('-', '_'));
    context.report('upper-case-name', `name of ${what} must not use lowercase or '-'`, node, { fix });
  }
}

/** Types are CamelCase. */
export function checkCamelCase(context: DefinitionContext, node: StringNode, what: string): void {
  const stem = checkName(context, node, what);
  if (stem !== undefined && !camelCase.test(stem)) {
    context.report('camel-case-name', `name of ${what} must use CamelCase`, node);
  }
}
