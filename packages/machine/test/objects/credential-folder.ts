import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const fixtures = fileURLToPath(new URL('../../../../qmp/test/fixtures/tls/', import.meta.url));

/** The path of a certificate, a key or a list of revocations of the tests. */
export function fixture(name: string): string {
  return join(fixtures, `${name}.pem`);
}

/** A folder with files as -object tls-creds-x509 wants them: from fixtures, or with a text of their own. */
export function credentialFolder(
  t: TestContext,
  files: Readonly<Record<string, string | { readonly text: string } | undefined>>,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-tls-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    if (typeof content === 'string') copyFileSync(fixture(content), join(folder, `${name}.pem`));
    else writeFileSync(join(folder, name.includes('.') ? name : `${name}.pem`), content.text);
  }
  return folder;
}

export const SERVER_FILES = {
  'ca-cert': 'ca-cert',
  'server-cert': 'server-cert',
  'server-key': 'server-key',
} as const;

export const CLIENT_FILES = {
  'ca-cert': 'ca-cert',
  'client-cert': 'client-cert',
  'client-key': 'client-key',
} as const;
