import { open, rm, stat } from 'node:fs/promises';
import { systemReason } from '@godwit/native';
import { OptionError } from '../options/option-error.js';

/** Writes the process id; returns how to remove the file. @throws OptionError */
export async function writePidFile(path: string, pid: number): Promise<() => Promise<void>> {
  try {
    const file = await open(path, 'w', 0o644);
    try {
      await file.writeFile(`${pid}\n`);
      return remover(path, await file.stat({ bigint: true }));
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new OptionError(`cannot create PID file: Could not create '${path}': ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** Removes the file that was written; not a device such as /dev/null, nor what somebody else has put there since. */
function remover(path: string, written: { isFile(): boolean; ino: bigint }): () => Promise<void> {
  return async () => {
    const present = await stat(path, { bigint: true }).catch(() => undefined);
    if (written.isFile() && present?.ino === written.ino) await rm(path, { force: true });
  };
}
