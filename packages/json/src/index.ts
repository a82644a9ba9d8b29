export { JsonError, type JsonFault } from './error.js';
export { parse } from './parse.js';
export { defaultLimits, type JsonLimits, type JsonMessage, JsonReader } from './reader.js';
export { type StringifyOptions, stringify } from './stringify.js';
export type { JsonObject, JsonValue } from './value.js';
export { JsonDouble } from './value.js';
