import type { ObjectNode } from '../../language/ast.js';
import type { MembersOrType } from '../../schema/definition.js';
import type { DefinitionContext } from './context.js';
import { hasFlag } from './flags.js';
import { readMembersOrType } from './members.js';
import { readTypeName } from './type-reference.js';

/** The `data` of a command or event. Boxed, it has to be there and to name a type. */
export function readArguments(context: DefinitionContext, node: ObjectNode): MembersOrType | undefined {
  const data = node.entries.get('data')?.value;
  const boxed = hasFlag(node, 'boxed');
  if (boxed && data === undefined) {
    context.report('boxed-arguments', "'boxed': true requires 'data'", node.entries.get('boxed')!.key);
  }
  if (data === undefined) return undefined;
  if (!boxed) return readMembersOrType(context, data, "'data'", false);
  const type = readTypeName(context, data, "'data'");
  return type && { kind: 'type', type };
}
