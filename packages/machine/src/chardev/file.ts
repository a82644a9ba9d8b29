import { constants, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { FdSets, StreamTransport, type Transport } from '@godwit/qmp';
import { systemReason } from '../system-reason.js';
import type { FileChardev } from './configuration.js';

/**
 * A file that is written and never read; `/dev/fdset/N` is a descriptor that a client handed over.
 * @throws Error when it cannot be opened
 */
export async function fileTransport({ path, append }: FileChardev, fdSets: FdSets): Promise<Transport> {
  // Never ends: an end would count as a client that went away.
  const input = new Readable({ read() {} });
  if (FdSets.isPath(path)) {
    const fd = fdSets.open(path, constants.O_WRONLY);
    const output = createWriteStream('', { fd });
    output.once('close', () => fdSets.release(fd));
    return new StreamTransport({ input, output });
  }
  try {
    const file = await open(path, append ? 'a' : 'w', 0o666);
    return new StreamTransport({ input, output: file.createWriteStream() });
  } catch (cause) {
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}
