/** Reading, checking and dumping schemas, without what is made from them. */
export type { Diagnostic, Fix } from '../diagnostics/diagnostic.js';
export { printDiagnostic } from '../diagnostics/print.js';
export { printAsQemu } from '../diagnostics/print-as-qemu.js';
export { detectDialect } from '../language/detect-dialect.js';
export { type Dialect, type DialectName, dialectOfVersion, dialects } from '../language/dialect.js';
export { fileReader, type SchemaReader } from '../language/reader.js';
export type { Span } from '../language/span.js';
export type * from './documentation.js';
export { dumpSchema } from './dump.js';
export { type LoadOptions, type LoadResult, loadSchema } from './load.js';
export type * from './model.js';
