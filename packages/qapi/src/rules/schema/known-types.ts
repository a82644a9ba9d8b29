import type { TypeReference } from '../../schema/definition.js';
import type { TypeRecord } from '../../schema/draft.js';
import type { DefinitionContext } from '../definition/context.js';

/** Finds records by the names of types. */
export interface TypeLookup {
  lookup(name: string): TypeRecord | undefined;
  /** A definition of that name exists but has errors of its own, so that nothing needs to be said of its uses. */
  isBroken(name: string): boolean;
  typeNames(): Iterable<string>;
}

/** The type that is referred to. `what` says what uses it: `member 'x'`, `'base'`. */
export function resolveType(
  types: TypeLookup,
  context: DefinitionContext | undefined,
  reference: TypeReference,
  what: () => string,
): TypeRecord | undefined {
  const name = reference.array ? `${reference.name}List` : reference.name;
  const record = types.lookup(name);
  if (record !== undefined) return record;
  if (types.isBroken(reference.name)) return undefined;
  const meant = context?.suggest(reference.name, types.typeNames());
  context?.report(
    'known-types',
    `${what()} uses unknown type '${name}'`,
    reference,
    meant === undefined ? {} : { fix: context.replaceString(reference, meant) },
  );
  return undefined;
}
