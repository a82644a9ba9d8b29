import { getSystemErrorMap } from 'node:util';

/**
 * Why a call of the system failed, in its own words and without the call: `No such file or directory`. Other errors say
 * what they say.
 */
export function systemReason(error: unknown): string {
  const errno = findErrno(error);
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  if (known !== undefined) return known[1].charAt(0).toUpperCase() + known[1].slice(1);
  return error instanceof Error ? error.message : String(error);
}

/** The errno of an error or of what caused it. */
function findErrno(error: unknown): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('errno' in at && typeof at.errno === 'number') return at.errno;
  }
  return undefined;
}
