import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { type DialectName, dialects, dumpSchema, printAsQemu, printDiagnostic } from '../../src/index.js';
import { load } from '../check.js';

const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../../test/fixtures/${name}`, import.meta.url)), 'utf8');
const kitchenSinks = [fixture('kitchen-sink.json'), fixture('kitchen-sink-older.json')];

const dialectNames = Object.keys(dialects) as DialectName[];
const dialect = fc.constantFrom(...dialectNames);

/** Loads, and prints whatever comes of it: a schema or errors, never both, and never an exception. */
function exercise(text: string | Uint8Array, name: DialectName): void {
  const result = load(text, { dialect: name });
  assert.equal(result.schema === undefined, result.diagnostics.length > 0);
  for (const diagnostic of result.diagnostics) {
    const { source, span } = diagnostic;
    const message = diagnostic.message.split('\n')[0]!.replace(/[^\P{Cc}\t]/gu, '\ufffd');
    assert.ok(printDiagnostic(diagnostic).includes(message));
    assert.ok(printAsQemu(diagnostic).endsWith(diagnostic.message));
    if (source === undefined || span === undefined) continue;
    assert.ok(0 <= span.start && span.start <= span.end && span.end <= source.text.length);
  }
  if (result.schema !== undefined) dumpSchema(result.schema, result.dialect);
}

const tokens = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    'true',
    'false',
    "'",
    '\\',
    '#',
    '##',
    '\n',
    '\t',
    '12',
    '\u00e9',
    '\u0000',
  ],
  ...[
    "'struct'",
    "'enum'",
    "'union'",
    "'alternate'",
    "'command'",
    "'event'",
    "'include'",
    "'pragma'",
    "'data'",
  ],
  ...[
    "'base'",
    "'if'",
    "'features'",
    "'returns'",
    "'boxed'",
    "'discriminator'",
    "'prefix'",
    "'Aa'",
    "'*a'",
    "'int'",
  ],
];

const documentationLines = [
  ...[
    '##',
    '#',
    '# text',
    '#   indented',
    '# @a: member',
    '# @:',
    '# @a',
    '# Features:',
    '# Returns: it',
    '# Since:',
  ],
  ...[
    '# Errors: x',
    '# Note: n',
    '# Example:',
    '# = Heading',
    '# ::',
    '# .. qmp-example::',
    '#bad',
    '# One. Two',
    '',
  ],
];

describe('any input', () => {
  it('of bytes gives a schema or errors', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), dialect, exercise), { numRuns: 300 });
  });

  it('of characters gives a schema or errors', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), dialect, exercise), {
      numRuns: 300,
    });
  });

  it('of tokens gives a schema or errors', () => {
    const text = fc.array(fc.constantFrom(...tokens), { maxLength: 60 }).map((parts) => parts.join(' '));
    fc.assert(fc.property(text, dialect, exercise), { numRuns: 500 });
  });

  it('of documentation gives a schema or errors', () => {
    const lines = fc.array(fc.constantFrom(...documentationLines), { maxLength: 30 });
    const text = lines.map((body) => `##\n# @do:\n${body.join('\n')}\n##\n{ 'command': 'do' }\n`);
    fc.assert(fc.property(text, dialect, exercise), { numRuns: 500 });
  });

  it('of a mutated schema gives a schema or errors', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.nat(20),
      insert: fc.constantFrom(...tokens, ...documentationLines.map((line) => `\n${line}\n`)),
    });
    const mutated = fc
      .tuple(fc.constantFrom(...kitchenSinks), fc.array(edit, { minLength: 1, maxLength: 5 }))
      .map(([text, edits]) =>
        edits.reduce((result, { at, length, insert }) => {
          const start = Math.floor(at * result.length);
          return result.slice(0, start) + insert + result.slice(start + length);
        }, text),
      );
    fc.assert(fc.property(mutated, dialect, exercise), { numRuns: 150 });
  });
});

describe('large input', () => {
  it('of many members, values and branches is taken', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `m${index}`);
    const { schema } = load(`
      { 'enum': 'Ee', 'data': [ ${names.map((name) => `'${name}'`).join(', ')} ] }
      { 'struct': 'Bb', 'data': { 'b': 'int' } }
      { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e',
        'data': { ${names.map((name) => `'${name}': 'Bb'`).join(', ')} } }
      { 'struct': 'Ss', 'data': { ${names.map((name) => `'${name}': 'Uu'`).join(', ')} } }`);
    const type = schema?.lookupType('Ss');
    assert.ok(type?.kind === 'object' && type.members.length === names.length);
  });

  it('of bases and unions nested in each other ends in an error', () => {
    const chain = Array.from(
      { length: 2000 },
      (_, index) => `{ 'struct': 'A${index}a', 'base': 'A${index + 1}a', 'data': {} }\n`,
    );
    assert.match(
      load(`${chain.join('')}{ 'struct': 'A2000a', 'data': {} }`).diagnostics[0]!.message,
      /more than 500/,
    );
    const nested = Array.from({ length: 40 }, (_, index) =>
      ['Uu', 'Vv'].map(
        (name) =>
          `{ 'union': '${name}${index}', 'base': { 'e${index}': 'Ee' }, 'discriminator': 'e${index}', 'data': { 'a': 'Uu${index + 1}', 'b': 'Vv${index + 1}' } }\n`,
      ),
    );
    const { diagnostics } = load(
      `{ 'enum': 'Ee', 'data': [ 'a', 'b' ] }\n${nested.flat().join('')}{ 'struct': 'Uu40', 'data': {} }\n{ 'struct': 'Vv40', 'data': {} }`,
    );
    assert.deepEqual(
      diagnostics.map(({ message }) => message),
      ['unions are nested in too many combinations to be checked'],
    );
  });
});
