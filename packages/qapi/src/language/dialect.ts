/**
 * What differs between the versions of QEMU in how a schema is read and in how an error is worded. A schema
 * that is correct in a dialect has the same meaning in all of them.
 */
export interface Dialect {
  /** The first version of QEMU that reads schemas so. */
  readonly name: DialectName;
  /** The grammar of documentation blocks. */
  readonly documentation: 'older' | 'newer';
  /** `= Heading` lines in free-form documentation: a block of its own each, the first line of a block, or plain text. */
  readonly headings: 'split' | 'first' | 'text';
  /** Lines of documentation over 70 characters and single spaces between sentences are errors. */
  readonly documentationStyle: boolean;
  /** What is documented has to be documented with its members; errors name the line of the section. */
  readonly membersDocumented: boolean;
  /** That what is documented exists is checked for all of the schema at its end, or for each definition. */
  readonly documentedExistChecked: 'last' | 'each';
  /** An error about a wrong type reference says what would be right, or merely what is wrong. */
  readonly typeErrors: 'expected' | 'found';
  /** Commands and events with conditional members need `boxed`. */
  readonly conditionalArgumentsBoxed: boolean;
  /** The branch of a union may itself be a union. */
  readonly unionBranches: boolean;
  /** How many features a schema may have. */
  readonly maximumFeatures: number;
  /** The built-in QType spells out its prefix. */
  readonly qtypePrefix: boolean;
  readonly pragmas: readonly string[];
}

export type DialectName = '7.2' | '10.0' | '10.2';

const listPragmas = ['command-name-exceptions', 'command-returns-exceptions', 'member-name-exceptions'];

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  '7.2': {
    name: '7.2',
    documentation: 'older',
    headings: 'split',
    documentationStyle: false,
    membersDocumented: false,
    documentedExistChecked: 'each',
    typeErrors: 'found',
    conditionalArgumentsBoxed: false,
    unionBranches: false,
    maximumFeatures: Number.POSITIVE_INFINITY,
    qtypePrefix: true,
    pragmas: listPragmas,
  },
  '10.0': {
    name: '10.0',
    documentation: 'newer',
    headings: 'first',
    documentationStyle: false,
    membersDocumented: true,
    documentedExistChecked: 'last',
    typeErrors: 'expected',
    conditionalArgumentsBoxed: true,
    unionBranches: true,
    maximumFeatures: 64,
    qtypePrefix: false,
    pragmas: [...listPragmas, 'documentation-exceptions'],
  },
  '10.2': {
    name: '10.2',
    documentation: 'newer',
    headings: 'text',
    documentationStyle: true,
    membersDocumented: true,
    documentedExistChecked: 'last',
    typeErrors: 'expected',
    conditionalArgumentsBoxed: true,
    unionBranches: true,
    maximumFeatures: 64,
    qtypePrefix: false,
    pragmas: [...listPragmas, 'documentation-exceptions'],
  },
};

/** The dialect of a version of QEMU: the latest that is not newer. Versions before 7.2 are read as 7.2. */
export function dialectOfVersion(version: string): Dialect {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < 9) return dialects['7.2'];
  if (major < 10 || (major === 10 && minor === 0)) return dialects['10.0'];
  return dialects['10.2'];
}
