import type { Schema, Type } from '../schema/model.js';
import type { Identifiers } from './identifiers.js';
import type { Presence } from './presence.js';
import type { SourceFile } from './source-file.js';

/** What every part of the generator needs to know of the schema. */
export interface GenerationContext {
  readonly schema: Schema;
  readonly presence: Presence;
  readonly identifiers: Identifiers;
  /** The types that a client receives. */
  readonly received: ReadonlySet<Type>;
  /** The name of a type in a file, imported where the file does not declare it. */
  typeName(type: Type, file: SourceFile): string;
}
