import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { longestUnixPath } from './address.js';

/** Who may connect: the owner. */
const socketMode = 0o600;

/**
 * Puts a listening socket at `path` that its owner alone may connect to, from the first moment on: it is bound in a
 * directory of its own, given its mode, and then moved to its place.
 * @param bind binds and listens at the path it is given
 * @throws Error when something that is not a dead socket is at `path`
 */
export async function bindPrivately(path: string, bind: (path: string) => Promise<void>): Promise<void> {
  await refuseIfTaken(path);
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

async function refuseIfTaken(path: string): Promise<void> {
  const status = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (status === undefined) return;
  if (!status.isSocket()) throw new Error(`cannot listen at '${path}': it exists and is not a socket`);
  if (await isAlive(path)) throw new Error(`cannot listen at '${path}': another process listens there`);
}

/** Whether somebody listens at a path. Whatever stands in the way of knowing counts as alive. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
