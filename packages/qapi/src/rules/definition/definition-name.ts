import type { DefinitionContext } from './context.js';
import type { DefinitionHead } from './definition-head.js';
import { checkCamelCase, checkLowerCase, checkUpperCase } from './names.js';

/** Types are CamelCase and do not end in `List`, commands are lower-case, events upper-case. */
export function checkDefinitionName(
  context: DefinitionContext,
  { kind, name, nameNode }: DefinitionHead,
): void {
  if (kind === 'event') {
    checkUpperCase(context, nameNode, kind);
  } else if (kind === 'command') {
    const underscore = context.pragma.commandNameExceptions.has(name);
    checkLowerCase(context, nameNode, kind, name, { underscore });
  } else {
    checkCamelCase(context, nameNode, kind);
    if (name.endsWith('List')) {
      context.report('reserved-type-name', `${kind} name should not end in 'List'`, nameNode);
    }
  }
}
