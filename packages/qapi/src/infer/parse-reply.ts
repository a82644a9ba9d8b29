import { decodeOutput } from '../runtime/decode-output.js';
import type { MemberDescriptor, ProtocolDescriptor, TypeRef } from '../runtime/descriptor.js';
import type { JsonValue } from '../runtime/json.js';
import type { SchemaInfo } from '../runtime/schema-info.js';

const member = (name: string, type: TypeRef): MemberDescriptor => ({ name, type });
const optional = (name: string, type: TypeRef): MemberDescriptor => ({ name, type, optional: true });
const object = (...members: MemberDescriptor[]) => ({ kind: 'object', members }) as const;

const metaTypes = ['builtin', 'enum', 'array', 'object', 'alternate', 'command', 'event'] as const;

/** The types of qapi/introspect.json, as far as they matter here. */
const introspection: ProtocolDescriptor = {
  types: {
    SchemaMetaType: { kind: 'enum', values: metaTypes },
    SchemaInfo: {
      kind: 'object',
      members: [member('name', 'str'), member('meta-type', 'SchemaMetaType'), optional('features', ['str'])],
      tag: 'meta-type',
      branches: Object.fromEntries(metaTypes.map((name) => [name, name])),
    },
    builtin: object(member('json-type', 'str')),
    enum: object(optional('members', ['enum-member']), member('values', ['str'])),
    'enum-member': object(member('name', 'str'), optional('features', ['str'])),
    array: object(member('element-type', 'str')),
    object: object(
      member('members', ['object-member']),
      optional('tag', 'str'),
      optional('variants', ['variant']),
    ),
    'object-member': object(
      member('name', 'str'),
      member('type', 'str'),
      optional('default', 'any'),
      optional('features', ['str']),
    ),
    variant: object(member('case', 'str'), member('type', 'str')),
    alternate: object(member('members', ['alternative'])),
    alternative: object(member('type', 'str')),
    command: object(member('arg-type', 'str'), member('ret-type', 'str'), optional('allow-oob', 'bool')),
    event: object(member('arg-type', 'str')),
  },
  commands: {},
  events: {},
};

/**
 * Checks what a server returned for query-qmp-schema.
 * @throws OutputMismatch that names the place
 */
export function parseReply(value: JsonValue): SchemaInfo[] {
  return decodeOutput(introspection, ['SchemaInfo'], value) as SchemaInfo[];
}
