import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JsonValue } from '@godwit/json';
import { createTestMachine } from '../support/test-machine.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

test('a secret is what it was told, read from a file, or decrypted with another', async (t) => {
  const machine = await createTestMachine();
  t.after(() => machine.close());
  const folder = mkdtempSync(join(tmpdir(), 'godwit-secret-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'password');
  writeFileSync(file, 'from a file');
  const key = Buffer.alloc(32, 7);
  const iv = Buffer.alloc(16, 9);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const encrypted = base64(Buffer.concat([cipher.update('hidden'), cipher.final()]));
  const add = (id: string, properties: Record<string, JsonValue>) =>
    machine.client.execute('object-add', { 'qom-type': 'secret', id, ...properties });
  await add('told', { data: 'told' });
  await add('file', { file });
  await add('key', { data: base64(key), format: 'base64' });
  await add('hidden', { data: encrypted, format: 'base64', keyid: 'key', iv: base64(iv) });
  const { objects } = machine.machine;
  assert.equal(objects.secret('told').text, 'told');
  assert.equal(objects.secret('file').text, 'from a file');
  assert.equal(objects.secret('hidden').text, 'hidden');
  const refused: readonly (readonly [Record<string, JsonValue>, string])[] = [
    [{}, "Either 'file' or 'data' must be provided"],
    [{ data: 'x', file }, "'file' and 'data' are mutually exclusive"],
    [{ data: '!!!', format: 'base64' }, 'Base64 data contains invalid characters'],
    [{ data: 'x', format: 'plain' }, "Parameter 'format' does not accept value 'plain'"],
    [{ data: encrypted, format: 'base64', keyid: 'none' }, "No secret with id 'none'"],
    [{ data: encrypted, format: 'base64', keyid: 'told' }, 'Key should be 32 bytes in length'],
    [{ data: encrypted, format: 'base64', keyid: 'key' }, 'IV is required to decrypt secret'],
    [
      { data: encrypted, format: 'base64', keyid: 'key', iv: 'AAAA' },
      'IV should be 16 bytes in length not 3',
    ],
    [
      { data: 'eHh4', format: 'base64', keyid: 'key', iv: base64(iv) },
      'Length 3 must be a multiple of block size 16',
    ],
  ];
  for (const [properties, message] of refused) {
    await assert.rejects(add('wrong', properties), { message });
  }
});
