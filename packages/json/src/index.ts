export { JsonError, type JsonFault } from './error.js';
export { defaultLimits, type JsonLimits } from './limits.js';
export { parse } from './parse.js';
export { type JsonMessage, JsonReader } from './reader.js';
export { type StringifyOptions, stringify } from './stringify.js';
export type { JsonObject, JsonValue } from './value.js';
export { JsonDouble } from './value.js';
