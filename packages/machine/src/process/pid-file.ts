import { rm, writeFile } from 'node:fs/promises';
import { systemReason } from '@godwit/native';
import { OptionError } from '../options/option-error.js';

/** Writes the process id; returns how to remove the file. @throws OptionError */
export async function writePidFile(path: string, pid: number): Promise<() => Promise<void>> {
  try {
    await writeFile(path, `${pid}\n`, { mode: 0o644 });
  } catch (cause) {
    throw new OptionError(`cannot create PID file: Could not create '${path}': ${systemReason(cause)}`, {
      cause,
    });
  }
  return () => rm(path, { force: true });
}
