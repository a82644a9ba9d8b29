import type { UnionDefinition } from '../../schema/definition.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { checkKeys } from './keys.js';
import { readBranches, readMembersOrType } from './members.js';
import { readName } from './names.js';

/** A union: a base with the discriminator, and a struct for each of its values. */
export const readUnion: DefinitionReader<UnionDefinition> = (context, head) => {
  const { node, name } = head;
  const required = ['union', 'base', 'discriminator', 'data'];
  if (!checkKeys(context, node, 'union', required, ['if', 'features'])) return undefined;
  const permissive = context.pragma.memberNameExceptions.has(name);
  const base = readMembersOrType(context, node.entries.get('base')!.value, "'base'", permissive);
  const discriminator = readName(context, node.entries.get('discriminator')!.value, "'discriminator'");
  const data = node.entries.get('data')!.value;
  if (data.kind !== 'object') {
    context.report('union-branches', "'data' must be an object", data);
  }
  const branches = data.kind === 'object' ? readBranches(context, data, () => {}, false) : [];
  const common = commonParts(context, head);
  if (base === undefined || discriminator === undefined) return undefined;
  return { kind: 'union', base, discriminator, branches, ...common };
};
