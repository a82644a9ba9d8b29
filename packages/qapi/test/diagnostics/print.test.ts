import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printDiagnostic } from '../../src/index.js';
import { load } from '../check.js';

const printed = (text: string, files: Readonly<Record<string, string>> = {}): string[] =>
  load(text, files).diagnostics.map(printDiagnostic);

describe('a printed diagnostic', () => {
  it('shows the line, marks the place and suggests a fix', () => {
    assert.deepEqual(printed("{ 'struct': 'Aa',\n  'data': { 'flag': 'boool' } }"), [
      [
        "test.json:2:21: error: in struct 'Aa': member 'flag' uses unknown type 'boool'",
        "2 |   'data': { 'flag': 'boool' } }",
        '  |                     ^~~~~~~',
        "  = fix: write 'bool'",
      ].join('\n'),
    ]);
  });

  it('names the including files and the earlier definition', () => {
    assert.deepEqual(
      printed("{ 'include': 'a.json' }\n{ 'enum': 'Aa', 'data': [] }", {
        'a.json': "{ 'struct': 'Aa', 'data': {} }",
      }),
      [
        [
          "test.json:2:11: error: in enum 'Aa': 'Aa' is already defined",
          "2 | { 'enum': 'Aa', 'data': [] }",
          '  |           ^~~~',
          'a.json:1:13: note: previous definition',
        ].join('\n'),
      ],
    );
    assert.deepEqual(printed("{ 'include': 'a.json' }", { 'a.json': '?' }), [
      ['In file included from test.json:1:', "a.json:1:1: error: stray '?'", '1 | ?', '  | ^'].join('\n'),
    ]);
  });

  it('keeps marks under text behind tabs and cuts long lines', () => {
    assert.equal(printed("\t{\t'a' }")[0]!.split('\n').slice(1).join('\n'), "1 | \t{\t'a' }\n  | \t \t    ^");
    const [long] = printed(`{ 'struct': 'Aa', 'data': { ${' '.repeat(5000)}'a': 'Nowhere' } }`);
    assert.ok(long!.split('\n').every((line) => line.length <= 130));
    assert.match(long!, /'a': 'Nowhere'/);
  });

  it('shows no control characters of a hostile file', () => {
    const [hostile] = printed("{ 'a': \u001b[2J\u0007 }");
    assert.doesNotMatch(hostile!, /[^\P{Cc}\t\n]/u);
    assert.match(hostile!, /stray '\ufffd'/);
  });

  it('does without a place when the file could not be read', () => {
    assert.deepEqual(printed("{ 'include': 'a.json' }"), [
      [
        "test.json:1:14: error: can't read include file 'a.json': No such file or directory",
        "1 | { 'include': 'a.json' }",
        '  |              ^~~~~~~~',
      ].join('\n'),
    ]);
  });
});
