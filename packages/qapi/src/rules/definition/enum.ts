import type { ValueNode } from '../../language/ast.js';
import type { EnumDefinition, EnumValueDefinition } from '../../schema/definition.js';
import { readCondition } from './condition.js';
import type { DefinitionContext } from './context.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { readFeatures } from './features.js';
import { checkKeys } from './keys.js';
import { checkLowerCase, readName } from './names.js';

/** An enum: a list of values, each a name or an object, and the prefix of its generated constants. */
export const readEnum: DefinitionReader<EnumDefinition> = (context, head) => {
  if (!checkKeys(context, head.node, 'enum', ['enum', 'data'], ['if', 'features', 'prefix']))
    return undefined;
  const data = head.node.entries.get('data')!.value;
  const prefix = head.node.entries.get('prefix')?.value;
  let values: EnumValueDefinition[] = [];
  if (data.kind !== 'list') {
    context.report('enum-values', "'data' must be an array", data);
  }
  if (prefix !== undefined && prefix.kind !== 'string') {
    context.report('enum-prefix', "'prefix' must be a string", prefix);
  }
  if (data.kind === 'list') {
    const permissive = context.pragma.memberNameExceptions.has(head.name);
    values = data.items.flatMap((item) => readValue(context, item, permissive) ?? []);
  }
  return {
    kind: 'enum',
    ...commonParts(context, head),
    values,
    prefix: prefix?.kind === 'string' ? prefix.value : undefined,
  };
};

function readValue(
  context: DefinitionContext,
  item: ValueNode,
  permissive: boolean,
): EnumValueDefinition | undefined {
  let what = "'data' member";
  if (item.kind === 'object' && !checkKeys(context, item, what, ['name'], ['if', 'features']))
    return undefined;
  const name = readName(context, item.kind === 'object' ? item.entries.get('name')!.value : item, what);
  if (name === undefined) return undefined;
  what = `${what} '${name.value}'`;
  // Values may begin with a digit.
  const checked = /^[0-9]/.test(name.value) ? `d${name.value}` : name.value;
  checkLowerCase(context, name, what, checked, { upper: permissive, underscore: permissive });
  const { start, end } = name;
  if (item.kind !== 'object') return { name: name.value, condition: undefined, features: [], start, end };
  const condition = readCondition(context, item, what);
  const features = readFeatures(context, item);
  return { name: name.value, condition, features, start, end };
}
