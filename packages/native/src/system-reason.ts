import { getSystemErrorMap } from 'node:util';

/** Where the C library, whose words QEMU's messages end with, says it differently from Node. */
const IN_LIBC: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EALREADY: 'Operation already in progress',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EFAULT: 'Bad address',
  EHOSTUNREACH: 'No route to host',
  EIO: 'Input/output error',
  EISCONN: 'Transport endpoint is already connected',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENFILE: 'Too many open files in system',
  ENOMEM: 'Cannot allocate memory',
  ENOTCONN: 'Transport endpoint is not connected',
  ENOTSUP: 'Operation not supported',
  ERANGE: 'Numerical result out of range',
  ESPIPE: 'Illegal seek',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
};

/**
 * Why a call of the system failed, in the C library's words and without the call: `No such file or directory`. Other errors say
 * what they say.
 */
export function systemReason(error: unknown): string {
  const errno = errnoOf(error);
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  if (known !== undefined) {
    const [name, text] = known;
    return IN_LIBC[name] ?? text.charAt(0).toUpperCase() + text.slice(1);
  }
  return error instanceof Error ? error.message : String(error);
}

/** The errno of an error or of what caused it; undefined where no call of the system failed. */
export function errnoOf(error: unknown): number | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('errno' in at && typeof at.errno === 'number') return at.errno;
  }
  return undefined;
}
