import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadSchema, printAsQemu } from '../../src/index.js';
import { load, memoryReader } from '../check.js';

function printed(files: Readonly<Record<string, string>>): string[] {
  const { 'test.json': root = '', ...others } = files;
  return load(root, others).diagnostics.map(printAsQemu);
}

describe('includes', () => {
  it('name the chain of files that leads to an error', () => {
    assert.deepEqual(
      printed({
        'test.json': "\n{ 'include': 'sub/a.json' }",
        'sub/a.json': "{ 'include': 'b.json' }",
        'sub/b.json': "\n\n{ 'struct': 'Aa', 'data': { 'a': 'Nowhere' } }",
      }),
      [
        [
          'In file included from test.json:2:',
          'In file included from sub/a.json:1:',
          "sub/b.json: In struct 'Aa':",
          "sub/b.json:3: member 'a' uses unknown type 'Nowhere'",
        ].join('\n'),
      ],
    );
  });

  it('are relative to the including file, and a file is read once however it is spelt', () => {
    const { schema } = load(
      "{ 'include': 'sub/a.json' } { 'include': 'b.json' } { 'include': 'sub/../b.json' }",
      {
        'sub/a.json': "{ 'include': '../b.json' }",
        'sub/../b.json': "{ 'struct': 'Bb', 'data': {} }",
      },
    );
    assert.deepEqual(
      schema?.modules.map(({ name }) => name),
      ['./builtin', 'test.json', 'sub/a.json', 'b.json'],
    );
    assert.equal(schema?.lookupType('Bb')?.module.name, 'b.json');
  });

  it('do not go round in circles', () => {
    assert.deepEqual(
      printed({ 'test.json': "{ 'include': 'a.json' }", 'a.json': "{ 'include': 'test.json' }" }),
      ['In file included from test.json:1:\na.json:1: inclusion loop for test.json'],
    );
  });

  it('may not be nested without end', () => {
    const files: Record<string, string> = { 'test.json': "{ 'include': '0.json' }" };
    for (let index = 0; index < 300; index++) files[`${index}.json`] = `{ 'include': '${index + 1}.json' }`;
    assert.match(printed(files)[0]!, /files include each other more than 200 levels deep$/);
  });

  it('say what is wrong with a file that cannot be read', () => {
    assert.deepEqual(printed({ 'test.json': "{ 'include': 'none.json' }" }), [
      "test.json:1: can't read include file 'none.json': No such file or directory",
    ]);
  });
});

describe('files', () => {
  it('that are folders, missing or not UTF-8 are errors', () => {
    const folder = mkdtempSync(join(tmpdir(), 'godwit-qapi-'));
    try {
      const missing = join(folder, 'missing.json');
      const binary = join(folder, 'binary.json');
      writeFileSync(binary, Uint8Array.of(0x7b, 0x7d, 0xff));
      const print = (path: string): string[] => loadSchema(path).diagnostics.map(printAsQemu);
      assert.deepEqual(print(folder), [`can't read schema file '${folder}': Is a directory`]);
      assert.deepEqual(print(missing), [`can't read schema file '${missing}': No such file or directory`]);
      assert.deepEqual(print(binary), [`can't read schema file '${binary}': byte 2 is not UTF-8`]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the dialect', () => {
  const dialect = (files: Readonly<Record<string, string>>): string =>
    loadSchema('/tree/qapi/test.json', { reader: memoryReader(files) }).dialect.name;

  it('is that of the source tree of QEMU in which a schema lies', () => {
    const generator = { '/tree/scripts/qapi-gen.py': '', '/tree/qapi/test.json': '' };
    assert.equal(dialect({ '/tree/VERSION': '7.2.22\n', ...generator }), '7.2');
    assert.equal(dialect({ '/tree/VERSION': '9.2.0\n', ...generator }), '10.0');
    assert.equal(dialect({ '/tree/VERSION': '11.0.0\n', ...generator }), '10.2');
    assert.equal(dialect({ '/tree/VERSION': '7.2.22\n', '/tree/qapi/test.json': '' }), '10.2');
  });

  it('is that in which the documentation is written', () => {
    const documented = (text: string): string =>
      dialect({
        '/tree/qapi/test.json': "{ 'include': 'sub.json' }",
        '/tree/qapi/sub.json': `##\n# @do:\n#\n${text}##\n{ 'command': 'do' }\n`,
      });
    assert.equal(documented('# Note: the older dialect\n#\n'), '7.2');
    assert.equal(documented('# Errors: none\n#\n# Note: a mistake\n'), '10.2');
    assert.equal(documented('# Text\n'), '10.2');
  });
});
