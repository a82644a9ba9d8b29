import { type DialectName, dialects } from '@godwit/qapi/schema';
import { UsageError } from '../io.js';

/** The option `--dialect VERSION` of all that read schemas. */
export const dialectOption = { dialect: { type: 'string' } } as const;

/** What help says of it. */
export const DIALECT_HELP = `--dialect VERSION       ${Object.keys(dialects).join(', ')}; told from the files where it is not given`;

/** The dialect that was asked for; none for detection. */
export function chosenDialect(name: string | undefined): { dialect?: DialectName } {
  if (name === undefined) return {};
  const known = Object.values(dialects).find((dialect) => dialect.name === name);
  if (known === undefined) {
    throw new UsageError(`--dialect takes ${Object.keys(dialects).join(', ')}, not '${name}'`);
  }
  return { dialect: known.name };
}
