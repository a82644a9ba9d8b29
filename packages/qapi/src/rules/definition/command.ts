import type { CommandDefinition } from '../../schema/definition.js';
import { readArguments } from './arguments.js';
import { commonParts, type DefinitionReader } from './definition-head.js';
import { hasFlag } from './flags.js';
import { checkKeys } from './keys.js';
import { readTypeReference } from './type-reference.js';

const optional = [
  'data',
  'returns',
  'boxed',
  'if',
  'features',
  'gen',
  'success-response',
  'allow-oob',
  'allow-preconfig',
  'coroutine',
];

/** A command: arguments, what it returns, and its flags. */
export const readCommand: DefinitionReader<CommandDefinition> = (context, head) => {
  const { node } = head;
  if (!checkKeys(context, node, 'command', ['command'], optional)) return undefined;
  const data = readArguments(context, node);
  const returns = node.entries.get('returns');
  return {
    kind: 'command',
    data,
    returns: returns === undefined ? undefined : readTypeReference(context, returns.value, "'returns'"),
    boxed: hasFlag(node, 'boxed'),
    generate: !hasFlag(node, 'gen'),
    successResponse: !hasFlag(node, 'success-response'),
    allowOob: hasFlag(node, 'allow-oob'),
    allowPreconfig: hasFlag(node, 'allow-preconfig'),
    coroutine: hasFlag(node, 'coroutine'),
    ...commonParts(context, head),
  };
};
