import { type AlternateDescriptor, findType, type ProtocolDescriptor, type TypeRef } from './descriptor.js';
import { isIntegerName } from './integers.js';
import type { JsonKind } from './json.js';

/** The alternative that takes values of a JSON kind; a schema has at most one for each. */
export function alternativeFor(
  protocol: ProtocolDescriptor,
  type: AlternateDescriptor,
  kind: JsonKind | undefined,
): TypeRef | undefined {
  return type.alternatives.find((alternative) => jsonKindOf(protocol, alternative) === kind);
}

/** The JSON kind that values of a type have; `undefined` where it is not one alone (`any`, alternates). */
function jsonKindOf(protocol: ProtocolDescriptor, type: TypeRef): JsonKind | undefined {
  if (typeof type !== 'string') return 'array';
  if (isIntegerName(type)) return 'number';
  switch (type) {
    case 'str':
      return 'string';
    case 'number':
      return 'number';
    case 'bool':
      return 'boolean';
    case 'null':
      return 'null';
    case 'any':
      return undefined;
    default: {
      const { kind } = findType(protocol, type);
      return kind === 'enum' ? 'string' : kind === 'object' ? 'object' : undefined;
    }
  }
}
