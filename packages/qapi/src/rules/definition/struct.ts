import type { StructDefinition } from '../../schema/definition.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { checkKeys } from './keys.js';
import { readMembers, reportNotMembers } from './members.js';
import { readTypeName } from './type-reference.js';

/** A struct: members, and the name of a type to inherit from. */
export const readStruct: DefinitionReader<StructDefinition> = (context, head) => {
  const { node, name } = head;
  if (!checkKeys(context, node, 'struct', ['struct', 'data'], ['base', 'if', 'features'])) return undefined;
  const data = node.entries.get('data')!.value;
  if (data.kind !== 'object') reportNotMembers(context, data, "'data'");
  const permissive = context.pragma.memberNameExceptions.has(name);
  const members = data.kind === 'object' ? readMembers(context, data, "'data'", permissive) : [];
  const base = node.entries.get('base');
  return {
    kind: 'struct',
    members,
    base: base === undefined ? undefined : readTypeName(context, base.value, "'base'"),
    ...commonParts(context, head),
  };
};
