export { type GenerateOptions, generateTypeScript } from './emit/generate-typescript.js';
export { describeProtocol } from './emit/protocol.js';
export type { InferredConfig } from './infer/condition-solver.js';
export { readConfigHeader } from './infer/config-header.js';
export { inferConfig } from './infer/infer-config.js';
export { parseReply } from './infer/parse-reply.js';
export { IncompleteReply, schemaFromReply } from './infer/schema-from-reply.js';
export { type IntrospectOptions, introspect } from './introspect/introspect.js';
export * from './schema/index.js';
