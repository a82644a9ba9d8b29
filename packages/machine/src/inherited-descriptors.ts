import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
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

const DESCRIPTORS = '/proc/self/fd';

/**
 * Puts a descriptor into its set, which owns it then.
 * @throws OptionError when it is not open, or the program's own
 */
export function addInheritedDescriptor(sets: FdSets, { fd, set, opaque }: InheritedDescriptor): void {
  if (fd <= STANDARD_ERROR) throw new OptionError('fd cannot be a standard I/O stream');
  if (!isInherited(fd)) throw new OptionError('fd is not valid or already in use');
  sets.add(fd, set, opaque);
}

/**
 * Whether it is none of Node's own: polls, events, and pipes of which it has both ends. That a descriptor is closed on exec
 * does not tell, because Node sees to that for what it inherits, too.
 */
function isInherited(fd: number): boolean {
  try {
    fstatSync(fd);
  } catch {
    return false;
  }
  const file = fileOf(String(fd));
  if (file?.startsWith('anon_inode:')) return false;
  if (!file?.startsWith('pipe:')) return true;
  return readdirSync(DESCRIPTORS).every((other) => other === String(fd) || fileOf(other) !== file);
}

/** What /proc names behind a descriptor (Linux); undefined without it. */
function fileOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`);
  } catch {
    return undefined;
  }
}
