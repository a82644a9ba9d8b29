import type { ObjectNode, ValueNode } from '../../language/ast.js';
import type { FeatureDefinition } from '../../schema/definition.js';
import { readCondition } from './condition.js';
import type { DefinitionContext } from './context.js';
import { checkKeys } from './keys.js';
import { checkLowerCase, readName } from './names.js';

/** The `features` of an object: names, or objects with a name and a condition. */
export function readFeatures(context: DefinitionContext, node: ObjectNode): FeatureDefinition[] {
  const entry = node.entries.get('features');
  if (entry === undefined) return [];
  if (entry.value.kind !== 'list') {
    context.report('features', "'features' must be an array", entry.value);
    return [];
  }
  const features: FeatureDefinition[] = [];
  for (const item of entry.value.items) {
    const feature = readFeature(context, item);
    if (feature !== undefined) features.push(feature);
  }
  return features;
}

function readFeature(context: DefinitionContext, item: ValueNode): FeatureDefinition | undefined {
  let what = "'features' member";
  if (item.kind === 'object' && !checkKeys(context, item, what, ['name'], ['if'])) return undefined;
  const name = readName(context, item.kind === 'object' ? item.entries.get('name')!.value : item, what);
  if (name === undefined) return undefined;
  what = `${what} '${name.value}'`;
  checkLowerCase(context, name, what, name.value, {});
  const condition = item.kind === 'object' ? readCondition(context, item, what) : undefined;
  return { name: name.value, condition, start: name.start, end: name.end };
}
