import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type DialectName, type Documentation, printAsQemu } from '../../src/index.js';
import { load } from '../check.js';

function block(text: string, definition = "{ 'command': 'do' }"): string {
  const lines = text.split('\n').map((line) => (line === '' ? '#' : `# ${line}`));
  return `##\n${lines.join('\n')}\n##\n${definition}\n`;
}

function parse(text: string, dialect: DialectName, definition?: string): readonly Documentation[] {
  const { schema, diagnostics } = load(block(text, definition), { dialect });
  assert.deepEqual(diagnostics.map(printAsQemu), []);
  return schema!.documentation;
}

function error(text: string, dialect: DialectName, definition?: string): string {
  return printAsQemu(load(block(text, definition), { dialect }).diagnostics[0]!);
}

function outline({ sections }: Documentation): (readonly [string, string | undefined, string])[] {
  return sections.map(({ kind, name, text }) => [kind, name, text]);
}

const withMember =
  "{ 'command': 'do', 'data': { 'a': 'int', 'b': 'int' }, 'returns': 'Aa', 'features': [ 'f' ] }\n{ 'struct': 'Aa', 'data': {} }";

describe('newer documentation', () => {
  it('has a body, members, features and tagged sections, and plain text between them', () => {
    const [documentation] = parse(
      `@do:

One.

Two.

@a: first
    second

    third
@b:
    indented

Features:

@f: feature

Plain.

Returns: it

Since: 1.0`,
      '10.2',
      withMember,
    );
    assert.equal(documentation!.symbol, 'do');
    assert.equal(documentation!.body, 'One.\n\nTwo.');
    assert.deepEqual(outline(documentation!), [
      ['member', 'a', 'first\n    second\n\n    third'],
      ['member', 'b', '    indented'],
      ['feature', 'f', 'feature'],
      ['plain', undefined, 'Plain.'],
      ['returns', undefined, 'it'],
      ['since', undefined, '1.0'],
    ]);
  });

  it('in free form is one text, tags and all', () => {
    const { schema } = load('##\n# Title\n# =====\n#\n# Since: the first age\n##\n');
    assert.deepEqual(
      schema!.documentation.map(({ symbol, body, sections }) => [symbol, body, sections.length]),
      [[undefined, 'Title\n=====\n\nSince: the first age', 0]],
    );
  });

  it('tells where each section is', () => {
    const [documentation] = parse('@do:\n\nSince: 1.0', '10.2');
    assert.equal(documentation!.span.line, 1);
    assert.equal(documentation!.sections[0]!.span.line, 4);
  });

  const errors: readonly (readonly [behaviour: string, text: string, message: string])[] = [
    ['a symbol without a colon', '@do', "test.json:2:1: line should end with ':'"],
    ['a symbol without a name', '@:', "test.json:2:1: name required after '@'"],
    ['a description without a name', '@do:\n\n@: x', 'test.json:4: invalid parameter name'],
    ['a second description', '@do:\n\n@a: x\n@a: y', "test.json:5: 'a' parameter name duplicated"],
    [
      'a description behind a section',
      '@do:\n\nSince: 1\n\n@a: x',
      "test.json:6:1: description of '@a:' follows a section",
    ],
    [
      'text that is less indented than before',
      '@do:\n\n@a: x\n  y\nz',
      'test.json:6:1: unexpected de-indent (expected at least 2 spaces)',
    ],
    [
      'features without descriptions',
      '@do:\n\nFeatures:\n\ntext',
      'test.json:6:1: feature descriptions expected',
    ],
    ['features twice', '@do:\n\nFeatures:\n@f: x\n\nFeatures:', "test.json:7:1: duplicated 'Features:' line"],
    ['a section twice', '@do:\n\nSince: 1\n\nSince: 2', "test.json:6: duplicated 'Since' section"],
    ['a section without text', '@do:\n\nErrors:', "test.json:4: text required after 'Errors:'"],
    ['a description without text', '@do:\n\n@a:', "test.json:4: text required after 'Member:'"],
    [
      'a description in free form',
      'Text\n@a: x',
      "test.json:3:1: '@a:' not allowed in free-form documentation",
    ],
    [
      'the tags of the older dialect',
      '@do:\n\nNote: x',
      "test.json:4:1: The 'Note' section is no longer supported. Please use rST's '.. note::' or '.. admonition:: notes' directives, or another suitable admonition instead.",
    ],
    [
      'a long line',
      `@do:\n\n${'x'.repeat(69)}`,
      'test.json:4:1: documentation line longer than 70 characters',
    ],
    [
      'a single space between sentences',
      '@do:\n\nOne. Two',
      'test.json:4:7: Use two spaces between sentences\nIf this not the end of a sentence, please report a bug.',
    ],
  ];
  for (const [behaviour, text, message] of errors) {
    it(`may not have ${behaviour}`, () => assert.equal(error(text, '10.2'), message));
  }

  it('leaves literal blocks, examples, addresses, lists and abbreviations their style', () => {
    const long = 'x. Y'.repeat(30);
    const address = `https://${'x'.repeat(100)}`;
    parse(
      `@do:\n\n::\n\n    ${long}\n\n.. qmp-example::\n\n    ${long}\n\n  ${address}\n\n1. One, e.g. This`,
      '10.2',
    );
    assert.match(error(`@do:\n\n::\n\n    literal\n\n${long}`, '10.2'), /:8:1: documentation line longer/);
  });

  it('had its headings on the first line of a block in QEMU 10.0', () => {
    assert.equal(load('##\n# = Title\n##\n', { dialect: '10.0' }).diagnostics.length, 0);
    const [late] = load('##\n# Text\n# = Title\n##\n', { dialect: '10.0' }).diagnostics;
    assert.equal(printAsQemu(late!), "test.json:3:1: '=' heading must come first in a comment block");
    assert.equal(load('##\n# Text\n# = Title\n##\n', { dialect: '10.2' }).diagnostics.length, 0);
  });
});

describe('older documentation', () => {
  it('knows sections by the first word of a line', () => {
    const [documentation] = parse(
      `@do:

Body.
@a: first
    second
@b:
text
Returns: it
         all
Notes:

- one
  - two`,
      '7.2',
      withMember.replace(", 'features': [ 'f' ]", ''),
    );
    assert.equal(documentation!.body, 'Body.');
    assert.deepEqual(outline(documentation!), [
      ['member', 'a', 'first\nsecond'],
      ['member', 'b', 'text'],
      ['returns', undefined, 'it\nall'],
      ['note', undefined, '- one\n  - two'],
    ]);
    assert.deepEqual(
      documentation!.sections.map(({ tag }) => tag),
      [undefined, undefined, 'Returns', 'Notes'],
    );
  });

  it('begins a block at each heading', () => {
    const { schema } = load('##\n# = One\n#\n# text\n# == Two\n# more\n##\n', { dialect: '7.2' });
    assert.deepEqual(
      schema!.documentation.map(({ body }) => body),
      ['= One\n\ntext', '== Two\nmore'],
    );
  });

  const errors: readonly (readonly [behaviour: string, text: string, message: string])[] = [
    [
      'a description behind a section',
      '@do:\nNote: n\nSince: 1\n@a: x',
      "test.json:5:1: '@a:' can't follow 'Note' section",
    ],
    ['a section without text', '@do:\nNote:\nSince: 1', "test.json:4:1: empty doc section 'Note'"],
    ['a description without text', '@do:\n@a:\n\ntext', "test.json:5:1: empty doc section 'a'"],
    [
      'less indentation than the first line',
      '@do:\n@a: x\n y',
      'test.json:4:1: unexpected de-indent (expected at least 4 spaces)',
    ],
    [
      'headings in definitions',
      '@do:\n= Title',
      "test.json:3:1: unexpected '=' markup in definition documentation",
    ],
    ['a section twice', '@do:\nReturns: 1\nReturns: 2', "test.json:4:1: duplicated 'Returns' section"],
    [
      'descriptions in free form',
      'Text\n@a: x',
      "test.json:3:1: '@a:' not allowed in free-form documentation",
    ],
  ];
  for (const [behaviour, text, message] of errors) {
    it(`may not have ${behaviour}`, () => assert.equal(error(text, '7.2'), message));
  }
});

describe('documentation blocks', () => {
  const first = (text: string): string => printAsQemu(load(text).diagnostics[0]!);

  it('begin and end with ## on a line of its own', () => {
    assert.equal(first('## text\n##\n'), "test.json:1:1: junk after '##' at start of documentation comment");
    assert.equal(first('##\n## text\n'), "test.json:2:1: junk after '##' at end of documentation comment");
    assert.equal(first('##\n# text\n'), "test.json:2:7: documentation comment must end with '##'");
    assert.equal(
      first("##\n# text\n{ 'command': 'do' }"),
      "test.json:3:1: documentation comment must end with '##'",
    );
  });

  it('have a space behind each #', () => {
    assert.equal(first('##\n#text\n##\n'), 'test.json:2:1: missing space after #');
  });
});
