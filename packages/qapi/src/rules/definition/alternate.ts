import type { ValueNode } from '../../language/ast.js';
import type { AlternateDefinition } from '../../schema/definition.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { checkKeys } from './keys.js';
import { readBranches } from './members.js';
import { checkLowerCase } from './names.js';

/** An alternate: types that can be told apart by the kind of their JSON values. */
export const readAlternate: DefinitionReader<AlternateDefinition> = (context, head) => {
  const { node } = head;
  if (!checkKeys(context, node, 'alternate', ['alternate', 'data'], ['if', 'features'])) return undefined;
  const data = node.entries.get('data')!.value;
  if (isEmpty(data)) {
    context.report('alternate-alternatives', "'data' must not be empty", data);
  } else if (data.kind !== 'object') {
    context.report('alternate-alternatives', "'data' must be an object", data);
  }
  const alternatives =
    data.kind === 'object'
      ? readBranches(
          context,
          data,
          (_, { key }, what) => checkLowerCase(context, key, what, key.value, {}),
          true,
        )
      : [];
  return { kind: 'alternate', alternatives, ...commonParts(context, head) };
};

function isEmpty(data: ValueNode): boolean {
  switch (data.kind) {
    case 'object':
      return data.entries.size === 0;
    case 'list':
      return data.items.length === 0;
    case 'string':
      return data.value === '';
    case 'boolean':
      return !data.value;
  }
}
