import fs, { constants, createReadStream, createWriteStream, ftruncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { systemReason } from '@godwit/native';
import { FdSets } from '@godwit/qmp';

/** What QEMU takes for a set of descriptors, whatever follows. */
const SET_PREFIX = '/dev/fdset/';

/**
 * Opens a file to be written, emptied before unless `append`; `/dev/fdset/N` is a descriptor that a client handed over.
 * @throws Error
 */
export async function openToWrite(path: string, append: boolean, fdSets: FdSets): Promise<Writable> {
  if (!path.startsWith(SET_PREFIX)) {
    return (await opened(path, () => open(path, append ? 'a' : 'w', 0o666))).createWriteStream();
  }
  const fd = await opened(path, () => duplicate(path, constants.O_WRONLY, fdSets, append));
  return createWriteStream('', { fd, fs: releasing(fdSets) });
}

/** Opens a file to be read. @throws Error */
export async function openToRead(path: string, fdSets: FdSets): Promise<Readable> {
  if (!path.startsWith(SET_PREFIX)) return (await opened(path, () => open(path, 'r'))).createReadStream();
  const fd = await opened(path, () => duplicate(path, constants.O_RDONLY, fdSets, true));
  return createReadStream('', { fd, fs: releasing(fdSets) });
}

/** A set forgets a descriptor when it begins to be closed: who asks for the sets right after a removal does not see it. */
function releasing(fdSets: FdSets) {
  const close = (fd: number, done?: fs.NoParamCallback) => {
    fdSets.release(fd);
    fs.close(fd, done);
  };
  return { ...fs, close };
}

async function opened<T>(path: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}

/** A descriptor of a set. @throws Error in the words of the system call that there is none of */
function duplicate(path: string, flags: number, fdSets: FdSets, keep: boolean): number {
  if (!FdSets.isPath(path)) throw new Error('Invalid argument');
  if (!fdSets.has(path)) throw new Error('No such file or directory');
  let fd: number;
  try {
    fd = fdSets.open(path, flags);
  } catch (cause) {
    throw new Error('Permission denied', { cause });
  }
  try {
    if (!keep) ftruncateSync(fd, 0);
    return fd;
  } catch (error) {
    fdSets.close(fd);
    throw error;
  }
}
