import type { EntryNode, ObjectNode, ValueNode } from '../../language/ast.js';
import type { MemberDefinition, MembersOrType, TypeReference } from '../../schema/definition.js';
import { readCondition } from './condition.js';
import type { DefinitionContext } from './context.js';
import { readFeatures } from './features.js';
import { checkKeys } from './keys.js';
import { checkLowerCase } from './names.js';
import { readTypeName, readTypeReference } from './type-reference.js';

const reservedName = /^(u$|has[-_])/i;

/** Members by name, and whether names may break the rules (a pragma says so for the definition). */
export function readMembers(
  context: DefinitionContext,
  node: ObjectNode,
  where: string,
  permissive: boolean,
): MemberDefinition[] {
  const members: MemberDefinition[] = [];
  for (const entry of node.entries.values()) {
    const member = readMember(context, entry, where, permissive);
    if (member !== undefined) members.push(member);
  }
  return members;
}

/** Members, or the name of a type that has them. */
export function readMembersOrType(
  context: DefinitionContext,
  value: ValueNode,
  where: string,
  permissive: boolean,
): MembersOrType | undefined {
  if (value.kind === 'object') {
    return { kind: 'members', members: readMembers(context, value, where, permissive) };
  }
  if (value.kind === 'string') {
    const { start, end } = value;
    return { kind: 'type', type: { name: value.value, array: false, start, end } };
  }
  reportNotMembers(context, value, where);
  return undefined;
}

export function reportNotMembers(context: DefinitionContext, value: ValueNode, where: string): void {
  const array = value.kind === 'list' && context.dialect.typeErrors === 'found';
  const message = array ? `${where} cannot be an array` : `${where} should be an object or type name`;
  context.report('type-reference', message, value);
}

function readMember(
  context: DefinitionContext,
  { key, value }: EntryNode,
  where: string,
  permissive: boolean,
): MemberDefinition | undefined {
  const what = `${where} member '${key.value}'`;
  const optional = key.value.startsWith('*');
  const name = optional ? key.value.slice(1) : key.value;
  checkLowerCase(context, key, what, name, { upper: permissive, underscore: permissive });
  if (reservedName.test(name)) context.report('reserved-name', `${what} uses reserved name`, key);
  const { start, end } = key;
  if (value.kind !== 'object') {
    const type = readTypeReference(context, value, what);
    return type && { name, optional, type, condition: undefined, features: [], start, end };
  }
  if (!checkKeys(context, value, what, ['type'], ['if', 'features'])) return undefined;
  const condition = readCondition(context, value, what);
  const features = readFeatures(context, value);
  const type = readTypeReference(context, value.entries.get('type')!.value, what);
  return type && { name, optional, type, condition, features, start, end };
}

/** The branches of a union (`arrays` false) or the alternatives of an alternate. */
export function readBranches(
  context: DefinitionContext,
  node: ObjectNode,
  check: (context: DefinitionContext, entry: EntryNode, what: string) => void,
  arrays: boolean,
): MemberDefinition[] {
  const branches: MemberDefinition[] = [];
  for (const entry of node.entries.values()) {
    const what = `'data' member '${entry.key.value}'`;
    check(context, entry, what);
    const { key, value } = entry;
    let condition: MemberDefinition['condition'];
    let reference: ValueNode = value;
    if (value.kind === 'object') {
      if (!checkKeys(context, value, what, ['type'], ['if'])) continue;
      condition = readCondition(context, value, what);
      reference = value.entries.get('type')!.value;
    }
    const type: TypeReference | undefined = arrays
      ? readTypeReference(context, reference, what)
      : readTypeName(context, reference, what);
    if (type === undefined) continue;
    const { start, end } = key;
    branches.push({ name: key.value, optional: false, type, condition, features: [], start, end });
  }
  return branches;
}
