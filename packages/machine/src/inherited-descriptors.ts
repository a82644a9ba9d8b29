import { fstatSync, readFileSync } from 'node:fs';
import type { FdSets } from '@godwit/qmp';
import { OptionError } from './options/option-error.js';

/** A descriptor that whoever started the program left open for it (-add-fd). */
export interface InheritedDescriptor {
  readonly fd: number;
  readonly set: bigint;
  /** What the client says of it. */
  readonly opaque?: string;
}

const STANDARD_ERROR = 2;

/** `O_CLOEXEC` as /proc shows it (Linux). */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Puts a descriptor into its set, which owns it then.
 * @throws OptionError when it is not open, or the program's own
 */
export function addInheritedDescriptor(sets: FdSets, { fd, set, opaque }: InheritedDescriptor): void {
  if (fd <= STANDARD_ERROR) throw new OptionError('fd cannot be a standard I/O stream');
  if (!isInherited(fd)) throw new OptionError('fd is not valid or already in use');
  sets.add(fd, set, opaque);
}

/** What the program opens by itself is closed on exec; what it inherits cannot be. */
function isInherited(fd: number): boolean {
  try {
    fstatSync(fd);
  } catch {
    return false;
  }
  try {
    const [, flags = '0'] =
      /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return true;
  }
}
