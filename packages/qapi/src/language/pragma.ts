import type { ValueNode } from './ast.js';
import type { Dialect } from './dialect.js';

/** The pragmas of a schema; one object serves all of its files. */
export interface Pragma {
  docRequired: boolean;
  /** Commands whose names may contain `_`. */
  commandNameExceptions: ReadonlySet<string>;
  /** Commands that may return anything. */
  commandReturnsExceptions: ReadonlySet<string>;
  /** Definitions whose members need no documentation. */
  documentationExceptions: ReadonlySet<string>;
  /** Types whose members may have upper-case letters and `_`. */
  memberNameExceptions: ReadonlySet<string>;
}

export function defaultPragma(): Pragma {
  const none: ReadonlySet<string> = new Set();
  return {
    docRequired: false,
    commandNameExceptions: none,
    commandReturnsExceptions: none,
    documentationExceptions: none,
    memberNameExceptions: none,
  };
}

const listPragmas: Readonly<Record<string, Exclude<keyof Pragma, 'docRequired'>>> = {
  'command-name-exceptions': 'commandNameExceptions',
  'command-returns-exceptions': 'commandReturnsExceptions',
  'documentation-exceptions': 'documentationExceptions',
  'member-name-exceptions': 'memberNameExceptions',
};

/** Sets one pragma; returns the message of the error if it may not be set so. */
export function setPragma(
  pragma: Pragma,
  name: string,
  value: ValueNode,
  dialect: Dialect,
): string | undefined {
  if (name === 'doc-required') {
    if (value.kind !== 'boolean') return "pragma 'doc-required' must be boolean";
    pragma.docRequired = value.value;
    return undefined;
  }
  const key = dialect.pragmas.includes(name) ? listPragmas[name] : undefined;
  if (key === undefined) return `unknown pragma '${name}'`;
  if (value.kind !== 'list') return `pragma ${name} must be a list of strings`;
  const names = new Set<string>();
  for (const item of value.items) {
    if (item.kind !== 'string') return `pragma ${name} must be a list of strings`;
    names.add(item.value);
  }
  pragma[key] = names;
  return undefined;
}
