export {
  decodeArguments,
  decodeEvent,
  decodeReturn,
  encodeArguments,
  encodeEvent,
  encodeReturn,
  lookupCommand,
} from './calls.js';
export { type ClientCodec, clientCodec } from './codec.js';
export { checkPolicy, decode, type InputPolicy } from './decode.js';
export { decodeOutput, OutputMismatch } from './decode-output.js';
export {
  type AlternateDescriptor,
  type BuiltinName,
  type CommandDescriptor,
  type EnumDescriptor,
  type EventDescriptor,
  findCommand,
  findEvent,
  findType,
  type IntegerName,
  type MemberDescriptor,
  type ObjectDescriptor,
  type ProtocolDescriptor,
  type TypeDescriptor,
  type TypeRef,
} from './descriptor.js';
export { encode } from './encode.js';
export { type ErrorClass, QapiError } from './error.js';
export { isDouble, type JsonDouble, type JsonObject, type JsonValue } from './json.js';
export type {
  SchemaInfo,
  SchemaInfoAlternate,
  SchemaInfoArray,
  SchemaInfoBuiltin,
  SchemaInfoCommand,
  SchemaInfoEnum,
  SchemaInfoEnumMember,
  SchemaInfoEvent,
  SchemaInfoObject,
  SchemaInfoObjectMember,
  SchemaInfoObjectVariant,
} from './schema-info.js';
export type {
  ArgumentsParameter,
  CommandMap,
  CommandShape,
  CommandsOf,
  EventsOf,
  Handler,
  Handlers,
  OobCommand,
  Open,
  Protocol,
  Unrecognized,
} from './typed.js';
