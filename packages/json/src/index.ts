export type { JsonObject, JsonValue } from './value.js';
export { JsonDouble } from './value.js';
