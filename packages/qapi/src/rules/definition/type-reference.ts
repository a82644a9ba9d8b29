import type { ValueNode } from '../../language/ast.js';
import type { TypeReference } from '../../schema/definition.js';
import type { DefinitionContext } from './context.js';

const rule = 'type-reference';

/** The name of a type. `what` says where it stands: `'data' member 'x'`. */
export function readTypeName(
  context: DefinitionContext,
  value: ValueNode,
  what: string,
): TypeReference | undefined {
  if (value.kind === 'string') {
    return { name: value.value, array: false, start: value.start, end: value.end };
  }
  const array = value.kind === 'list' && context.dialect.typeErrors === 'found';
  context.report(rule, array ? `${what} cannot be an array` : `${what} should be a type name`, value);
  return undefined;
}

/** The name of a type, or a list of one name. */
export function readTypeReference(
  context: DefinitionContext,
  value: ValueNode,
  what: string,
): TypeReference | undefined {
  if (value.kind === 'string') {
    return { name: value.value, array: false, start: value.start, end: value.end };
  }
  if (value.kind !== 'list') {
    const expected = context.dialect.typeErrors === 'found' ? 'a type name' : 'a type name or array';
    context.report(rule, `${what} should be ${expected}`, value);
    return undefined;
  }
  const [element] = value.items;
  if (value.items.length !== 1 || element?.kind !== 'string') {
    context.report(rule, `${what}: array type must contain single type name`, value);
    return undefined;
  }
  return { name: element.value, array: true, start: element.start, end: element.end };
}
