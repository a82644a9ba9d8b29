import type { EventDefinition } from '../../schema/definition.js';
import { readArguments } from './arguments.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { hasFlag } from './flags.js';
import { checkKeys } from './keys.js';

/** An event: the data that it carries. */
export const readEvent: DefinitionReader<EventDefinition> = (context, head) => {
  const { node } = head;
  if (!checkKeys(context, node, 'event', ['event'], ['data', 'boxed', 'if', 'features'])) return undefined;
  const data = readArguments(context, node);
  return { kind: 'event', data, boxed: hasFlag(node, 'boxed'), ...commonParts(context, head) };
};
