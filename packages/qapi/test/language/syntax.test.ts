import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Diagnostic, printAsQemu } from '../../src/index.js';
import { load, markedText } from '../check.js';

function first(text: string): string {
  const [diagnostic] = load(text).diagnostics;
  assert.ok(diagnostic, 'there is an error');
  return printAsQemu(diagnostic);
}

const places: readonly (readonly [behaviour: string, text: string, printed: string])[] = [
  ['an unterminated string', "{ 'a\n", 'test.json:1:3: missing terminating "\'"'],
  ['an escape', "{ 'a\\n': true }", 'test.json:1:3: unknown escape \\n'],
  ['a character beyond ASCII', "{ 'é': true }", 'test.json:1:3: funny character in string'],
  ['a number', "{ 'a': 12 }", "test.json:1:8: stray '12'"],
  ['a word', "{ 'a': null }", "test.json:1:8: stray 'null'"],
  ['a missing key', '{ true: 1 }', "test.json:1:3: expected string or '}'"],
  ['a missing colon', "{ 'a' 'b' }", "test.json:1:7: expected ':'"],
  ['a missing value', "{ 'a': }", "test.json:1:8: expected '{', '[', string, or boolean"],
  ['a missing comma', "{ 'a': true 'b': true }", "test.json:1:13: expected ',' or '}'"],
  ['a comma behind the last member', "{ 'a': true, }", 'test.json:1:14: expected string'],
  [
    'a list without a first element',
    "{ 'a': [ , ] }",
    "test.json:1:10: expected '{', '[', ']', string, or boolean",
  ],
  [
    'a comma behind the last element',
    "{ 'a': [ 'b', ] }",
    "test.json:1:15: expected '{', '[', string, or boolean",
  ],
  ['an unclosed list', "{ 'a': [ 'b' }", "test.json:1:14: expected ',' or ']'"],
  ['the end of the file', "{ 'a': [ 'b' ]", "test.json:1:15: expected ',' or '}'"],
  ['a key that is there already', "{ 'a': true,\n  'a': false }", "test.json:2:8: duplicate key 'a'"],
  ['a place behind tabs', "{\t'a'\t'b' }", "test.json:1:17: expected ':'"],
  ['a place behind characters outside the BMP', "# 😀\n{ 'a' 😀 }", "test.json:2:7: stray '😀'"],
];

describe('syntax', () => {
  for (const [behaviour, text, printed] of places) {
    it(`reports ${behaviour} where QEMU does`, () => assert.equal(first(text), printed));
  }

  it('takes comments, a missing final newline and other line endings', () => {
    const { schema } = load("# Comment\r\n{ 'struct': 'Aa', # more\r  'data': {} } # the end");
    assert.ok(schema?.lookupType('Aa'));
  });

  it('takes true and false, escaped backslashes and an empty file', () => {
    assert.deepEqual(load('').diagnostics, []);
    assert.equal(
      load("{ 'command': 'a\\\\b', 'gen': false }").diagnostics[0]!.message,
      'command has an invalid name',
    );
  });

  it('says that nesting is too deep instead of running out of stack', () => {
    assert.equal(
      load(`{ 'a': ${'['.repeat(100_000)}`).diagnostics[0]!.message,
      'nested more than 500 levels deep',
    );
  });
});

describe('recovery', () => {
  const messages = (text: string): string[] => load(text).diagnostics.map((diagnostic) => diagnostic.message);

  it('goes on with the next definition after an error of syntax', () => {
    assert.deepEqual(
      messages("{ 'struct' 'Aa' }\n{ 'event': 'lower' }\n{ 'enum': 'Ee', 'data': [ 1, 2 ] }\n"),
      [
        "expected ':'",
        "stray '1'",
        "expected '{', '[', ']', string, or boolean",
        "name of event must not use lowercase or '-'",
      ],
    );
  });

  it('says nothing of the uses of a definition that has errors itself', () => {
    assert.deepEqual(
      messages(
        "{ 'struct': 'Aa', 'data': { 'x': 'int' 'y': 'int' } }\n{ 'struct': 'Bb', 'data': { 'a': 'Aa' } }",
      ),
      ["expected ',' or '}'"],
    );
    assert.deepEqual(
      messages("{ 'struct': 'Aa' }\n{ 'struct': 'Bb', 'base': 'Aa', 'data': { 'a': ['Aa'] } }"),
      ["struct misses key 'data'"],
    );
  });

  it('finds several errors in one definition', () => {
    const found: readonly Diagnostic[] = load(
      "{ 'struct': 'Aa', 'data': { 'a': true, 'B': 'int', 'c': 'Nowhere' }, 'extra': 'x' }",
    ).diagnostics;
    assert.deepEqual(found.map(markedText), ["'extra'", 'true', "'B'", "'Nowhere'"]);
  });

  it('stops after as many errors as were asked for', () => {
    assert.equal(load("{ 'struct': 'Aa' 1 }\n".repeat(5000)).diagnostics.length, 1000);
  });
});
