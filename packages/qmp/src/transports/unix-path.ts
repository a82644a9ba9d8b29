import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { longestUnixPath } from './address.js';

/** Who may connect: the owner. */
const socketMode = 0o600;

/**
 * Puts a listening socket at `path` that its owner alone may connect to, from the first moment on: it is bound in a
 * directory of its own, given its mode, and then moved to its place. As with QEMU, whoever comes last has the path: a
 * socket that is there already makes way, even if somebody listens on it. Anything but a socket stays where it is.
 * @param bind binds and listens at the path it is given
 * @throws Error when something that is not a socket is at `path`
 */
export async function bindPrivately(path: string, bind: (path: string) => Promise<void>): Promise<void> {
  await refuseOtherFiles(path);
  const folder = join(dirname(path), `.${randomBytes(3).toString('hex')}`);
  const temporary = join(folder, 's');
  if (Buffer.byteLength(temporary) > longestUnixPath) {
    throw new Error(
      `the folder of the unix socket '${path}' has too long a name to bind a socket in it safely`,
    );
  }
  await mkdir(folder, { mode: 0o700 });
  try {
    await bind(temporary);
    await chmod(temporary, socketMode);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
    await rmdir(folder);
  }
}

async function refuseOtherFiles(path: string): Promise<void> {
  const status = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (status === undefined) return;
  if (!status.isSocket()) throw new Error(`cannot listen at '${path}': it exists and is not a socket`);
}
