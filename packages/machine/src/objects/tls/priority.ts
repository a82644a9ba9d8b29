import type { SecureVersion } from 'node:tls';
import { QapiError } from '@godwit/qapi/runtime';

/** The versions of TLS that can be spoken, the oldest first. */
const VERSIONS: readonly (readonly [name: string, version: SecureVersion])[] = [
  ['VERS-TLS1.2', 'TLSv1.2'],
  ['VERS-TLS1.3', 'TLSv1.3'],
];

/** What a priority may begin with; all mean the library's own choice of ciphers. */
const KEYWORDS: ReadonlySet<string> = new Set(['', 'NORMAL', 'SYSTEM', '@SYSTEM', 'SECURE128']);

/**
 * The versions of TLS that a GnuTLS priority string leaves: a keyword, then versions added (`+VERS-TLS1.2`) and taken away
 * (`-VERS-ALL`). The choice of ciphers cannot be said in its words here.
 * @throws QapiError for anything else, or when no version is left
 */
export function versionsOf(priority: string): { minVersion?: SecureVersion; maxVersion?: SecureVersion } {
  if (priority === '') return {};
  const [keyword = '', ...changes] = priority.split(':');
  if (!KEYWORDS.has(keyword)) throw unsupported(priority);
  const left = new Set(VERSIONS.map(([name]) => name));
  for (const change of changes) {
    const name = change.slice(1);
    const named =
      name === 'VERS-ALL' || name === 'VERS-TLS-ALL'
        ? VERSIONS.map(([known]) => known)
        : VERSIONS.some(([known]) => known === name)
          ? [name]
          : undefined;
    const older = /^VERS-(?:SSL3\.0|TLS1\.[01])$/.test(name) && /^[-!]/.test(change);
    if (named === undefined && !older) throw unsupported(priority);
    for (const version of named ?? []) {
      if (change.startsWith('+')) left.add(version);
      else if (/^[-!]/.test(change)) left.delete(version);
      else throw unsupported(priority);
    }
  }
  const versions = VERSIONS.filter(([name]) => left.has(name)).map(([, version]) => version);
  const [oldest] = versions;
  const newest = versions.at(-1);
  if (oldest === undefined || newest === undefined) throw unsupported(priority);
  return { minVersion: oldest, maxVersion: newest };
}

function unsupported(priority: string): QapiError {
  return new QapiError(
    'GenericError',
    `Unable to set TLS session priority: '${priority}' is not supported (a keyword such as NORMAL, and versions such as -VERS-TLS1.3)`,
  );
}
