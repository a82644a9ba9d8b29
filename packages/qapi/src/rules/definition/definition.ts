import type { EntryNode, ObjectNode } from '../../language/ast.js';
import type { WrittenDefinition } from '../../language/schema-files.js';
import { type Definition, type DefinitionKind, definitionKinds } from '../../schema/definition.js';
import { readAlternate } from './alternate.js';
import { readCommand } from './command.js';
import type { DefinitionContext } from './context.js';
import type { DefinitionHead, DefinitionReader } from './definition-head.js';
import { checkDefinitionName } from './definition-name.js';
import { checkDefinitionDocumentation } from './documentation.js';
import { readEnum } from './enum.js';
import { readEvent } from './event.js';
import { readName } from './names.js';
import { readStruct } from './struct.js';
import { readUnion } from './union.js';

const readers: { readonly [K in DefinitionKind]: DefinitionReader<Extract<Definition, { kind: K }>> } = {
  enum: readEnum,
  struct: readStruct,
  union: readUnion,
  alternate: readAlternate,
  command: readCommand,
  event: readEvent,
};

/** The name of a definition, as far as it can be told. Reports nothing. */
export function peekName(node: ObjectNode): string | undefined {
  for (const kind of definitionKinds) {
    const value = node.entries.get(kind)?.value;
    if (value?.kind === 'string') return value.value;
  }
  return undefined;
}

/** Applies the rules for a definition on its own. */
export function readDefinition(
  context: DefinitionContext,
  written: WrittenDefinition,
): Definition | undefined {
  const { node } = written;
  const kind = readKind(context, node);
  if (kind === undefined) return undefined;
  const nameNode = readName(context, node.entries.get(kind.key.value)!.value, `'${kind.key.value}'`);
  if (nameNode === undefined) return undefined;
  const head: DefinitionHead = {
    kind: kind.key.value as DefinitionKind,
    name: nameNode.value,
    nameNode,
    node,
    written,
  };
  context.definition = { kind: head.kind, name: head.name };
  checkDefinitionName(context, head);
  checkDefinitionDocumentation(context, head);
  return readers[head.kind](context, head);
}

/** Exactly one key says what is defined. */
function readKind(context: DefinitionContext, node: ObjectNode): EntryNode | undefined {
  const found = definitionKinds.flatMap((kind) => node.entries.get(kind) ?? []);
  if (found.length === 1) return found[0];
  const kinds = definitionKinds.map((kind) => `'${kind}'`).join(', ');
  context.report('definition-kind', `expression must have exactly one key ${kinds}`, found[1]?.key ?? node);
  return undefined;
}
