import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { writePidFile } from '../src/process/pid-file.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-pid-'));
});
after(() => rmSync(folder, { recursive: true }));

test('the process id is written to a file, over what was in it, and the file removed in the end', async () => {
  const path = join(folder, 'a.pid');
  writeFileSync(path, 'something that is longer');
  const remove = await writePidFile(path, 4711);
  assert.equal(readFileSync(path, 'utf8'), '4711\n');
  await remove();
  assert.equal(existsSync(path), false);
  await remove();
});

test('a file that somebody else has put in its place stays', async () => {
  const path = join(folder, 'b.pid');
  const remove = await writePidFile(path, 4711);
  const other = join(folder, 'other');
  writeFileSync(other, '4712\n');
  renameSync(other, path);
  await remove();
  assert.equal(readFileSync(path, 'utf8'), '4712\n');
});

test('a file that cannot be made is an error in the words of QEMU', async () => {
  const path = join(folder, 'none', 'c.pid');
  await assert.rejects(
    writePidFile(path, 1),
    new RegExp(
      `^OptionError: cannot create PID file: Could not create '${path}': No such file or directory$`,
    ),
  );
});
