import type { Documentation } from '../../schema/documentation.js';
import type { DefinitionContext } from './context.js';
import type { DefinitionHead } from './definition-head.js';

/** The block in front of a definition is about it, and it is there if a pragma requires it. */
export function checkDefinitionDocumentation(context: DefinitionContext, head: DefinitionHead): void {
  const documentation = head.written.documentation;
  if (documentation === undefined) {
    if (context.pragma.docRequired) {
      context.report('documentation-required', 'documentation comment required', head.nameNode);
    }
  } else if (documentation.symbol !== head.name) {
    context.report(
      'documentation-symbol',
      `documentation comment is for '${documentation.symbol}'`,
      head.nameNode,
    );
  } else {
    checkTags(context, head, documentation);
  }
}

/** Returns and errors are only documented for commands, and returns only where there are any. */
function checkTags(
  context: DefinitionContext,
  { kind, node }: DefinitionHead,
  documentation: Documentation,
): void {
  const { dialect } = context;
  for (const section of documentation.sections) {
    const { tag, span } = section;
    if (section.kind !== 'returns' && section.kind !== 'errors') continue;
    if (dialect.documentation === 'older') {
      if (kind !== 'command') {
        context.reportDocumentation(
          'documentation-tags',
          `'${tag}:' is only valid for commands`,
          span,
          documentation.span,
        );
      }
    } else if (kind !== 'command') {
      context.reportDocumentation('documentation-tags', `'${tag}' section is only valid for commands`, span);
    } else if (section.kind === 'returns' && !node.entries.has('returns')) {
      context.reportDocumentation(
        'documentation-tags',
        "'Returns' section, but command doesn't return anything",
        span,
      );
    }
  }
}
