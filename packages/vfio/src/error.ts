/** The Linux error numbers that a migratable device answers with (asm-generic/errno.h). */
export const ERRNO = {
  ENOENT: 2,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOMEM: 12,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOTTY: 25,
  ENOSPC: 28,
  ENOMSG: 42,
  EOVERFLOW: 75,
  EOPNOTSUPP: 95,
  ETIMEDOUT: 110,
  ECANCELED: 125,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** A device refused or failed. `code` and `errno` are what the kernel would answer; the message names state, arc or field. */
export class VfioError extends Error {
  override readonly name = 'VfioError';
  readonly code: ErrnoName;
  /** Positive, as on the wire. */
  readonly errno: number;

  constructor(code: ErrnoName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.errno = ERRNO[code];
  }
}

/** The name of a Linux error number; EIO for one that no device of ours knows. */
export function errnoName(errno: number): ErrnoName {
  for (const [name, number] of Object.entries(ERRNO)) {
    if (number === errno) return name as ErrnoName;
  }
  return 'EIO';
}
