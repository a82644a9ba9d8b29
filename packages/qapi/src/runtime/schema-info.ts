/**
 * What query-qmp-schema returns: a schema without conditions, type names masked unless asked otherwise
 * (QAPI schema: SchemaInfo, qapi/introspect.json).
 */
export type SchemaInfo =
  | SchemaInfoBuiltin
  | SchemaInfoEnum
  | SchemaInfoArray
  | SchemaInfoObject
  | SchemaInfoAlternate
  | SchemaInfoCommand
  | SchemaInfoEvent;

interface SchemaInfoBase {
  name: string;
  features?: string[];
}

export interface SchemaInfoBuiltin extends SchemaInfoBase {
  'meta-type': 'builtin';
  'json-type': 'string' | 'number' | 'int' | 'boolean' | 'null' | 'object' | 'array' | 'value';
}

export interface SchemaInfoEnum extends SchemaInfoBase {
  'meta-type': 'enum';
  /** Absent in servers before 6.2, which list the names in `values` only. */
  members?: SchemaInfoEnumMember[];
  values: string[];
}

export interface SchemaInfoEnumMember {
  name: string;
  features?: string[];
}

export interface SchemaInfoArray extends SchemaInfoBase {
  'meta-type': 'array';
  'element-type': string;
}

export interface SchemaInfoObject extends SchemaInfoBase {
  'meta-type': 'object';
  members: SchemaInfoObjectMember[];
  tag?: string;
  variants?: SchemaInfoObjectVariant[];
}

export interface SchemaInfoObjectMember {
  name: string;
  type: string;
  /** Present, and null, when the member is optional. */
  default?: null;
  features?: string[];
}

export interface SchemaInfoObjectVariant {
  case: string;
  type: string;
}

export interface SchemaInfoAlternate extends SchemaInfoBase {
  'meta-type': 'alternate';
  members: { type: string }[];
}

export interface SchemaInfoCommand extends SchemaInfoBase {
  'meta-type': 'command';
  'arg-type': string;
  'ret-type': string;
  'allow-oob'?: true;
}

export interface SchemaInfoEvent extends SchemaInfoBase {
  'meta-type': 'event';
  'arg-type': string;
}
