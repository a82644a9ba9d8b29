import type { ObjectNode, StringNode } from '../../language/ast.js';
import type { WrittenDefinition } from '../../language/schema-files.js';
import type { Definition, DefinitionKind } from '../../schema/definition.js';
import { readCondition } from './condition.js';
import type { DefinitionContext } from './context.js';
import { readFeatures } from './features.js';
import { checkFlags } from './flags.js';

/** What is known of a definition before its parts are read. */
export interface DefinitionHead {
  readonly kind: DefinitionKind;
  readonly name: string;
  readonly nameNode: StringNode;
  readonly node: ObjectNode;
  readonly written: WrittenDefinition;
}

/** Reads what is particular to one kind of definition; undefined when it lacks what it cannot do without. */
export type DefinitionReader<D extends Definition> = (
  context: DefinitionContext,
  head: DefinitionHead,
) => D | undefined;

/** The parts that every definition may have; the last to be checked. */
export function commonParts(
  context: DefinitionContext,
  { name, nameNode, node, written, kind }: DefinitionHead,
): Pick<Definition, 'name' | 'nameNode' | 'node' | 'source' | 'documentation' | 'condition' | 'features'> {
  const condition = readCondition(context, node, kind);
  const features = readFeatures(context, node);
  checkFlags(context, node);
  return {
    name,
    nameNode,
    node,
    source: written.file.source,
    documentation: written.documentation,
    condition,
    features,
  };
}
