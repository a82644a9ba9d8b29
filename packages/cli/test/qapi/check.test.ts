import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { godwitQapi } from './godwit-qapi.js';

let folder = '';
const file = (name: string): string => join(folder, name);

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-check-'));
  writeFileSync(file('good.json'), "{ 'struct': 'Aa', 'data': { 'a': 'int' } }");
  writeFileSync(file('bad.json'), "{ 'event': 'lower' }\n{ 'struct': 'Aa', 'data': { 'a': 'itn' } }");
  writeFileSync(file('older.json'), "##\n# @do:\n#\n# Note: older\n##\n{ 'command': 'do' }");
});

after(() => rmSync(folder, { recursive: true }));

describe('godwit qapi check', () => {
  it('says nothing of correct schemas', async () => {
    assert.deepEqual(await godwitQapi('check', file('good.json'), file('older.json')), {
      status: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('shows every error of every file', async () => {
    const { status, stdout, stderr } = await godwitQapi(
      'check',
      file('bad.json'),
      file('good.json'),
      file('none.json'),
    );
    assert.equal(status, 1);
    assert.equal(stdout, '');
    assert.deepEqual(stderr.split('\n'), [
      `${file('bad.json')}:1:12: error: in event 'lower': name of event must not use lowercase or '-'`,
      "1 | { 'event': 'lower' }",
      '  |            ^~~~~~~',
      "  = fix: write 'LOWER'",
      `${file('bad.json')}:2:34: error: in struct 'Aa': member 'a' uses unknown type 'itn'`,
      "2 | { 'struct': 'Aa', 'data': { 'a': 'itn' } }",
      '  |                                  ^~~~~',
      `error: can't read schema file '${file('none.json')}': No such file or directory`,
      '3 errors',
      '',
    ]);
  });

  it('shows only the first as QEMU prints it with --first', async () => {
    assert.deepEqual(await godwitQapi('check', '--first', file('good.json'), file('bad.json')), {
      status: 1,
      stdout: '',
      stderr: `${file('bad.json')}: In event 'lower':\n${file('bad.json')}:1: name of event must not use lowercase or '-'\n`,
    });
  });

  it('reads in another dialect on demand', async () => {
    const { status, stderr } = await godwitQapi('check', '--first', '--dialect', '10.2', file('older.json'));
    assert.equal(status, 1);
    assert.match(stderr, /older\.json:4:1: The 'Note' section is no longer supported/);
    assert.equal((await godwitQapi('check', '--dialect', '6.0', file('good.json'))).status, 2);
  });

  it('refuses a wrong call', async () => {
    assert.equal((await godwitQapi('check')).status, 2);
    assert.equal((await godwitQapi('check', '--no-such', file('good.json'))).status, 2);
  });
});

describe('godwit qapi dump', () => {
  it('prints a schema with its modules', async () => {
    const { status, stdout } = await godwitQapi('dump', file('good.json'));
    assert.equal(status, 0);
    assert.match(stdout, /^module \.\/builtin\n/);
    assert.match(stdout, /\nmodule good\.json\nobject Aa\n {4}member a: int optional=False\n$/);
  });

  it('looks in a folder and leaves it out of messages', async () => {
    assert.equal((await godwitQapi('dump', 'good.json', '--dir', folder)).status, 0);
    assert.deepEqual(await godwitQapi('dump', 'bad.json', '--dir', `${folder}/`), {
      status: 1,
      stdout: '',
      stderr: "bad.json: In event 'lower':\nbad.json:1: name of event must not use lowercase or '-'\n",
    });
  });

  it('refuses a wrong call', async () => {
    assert.equal((await godwitQapi('dump')).status, 2);
    assert.equal((await godwitQapi('dump', 'a', 'b')).status, 2);
  });
});
