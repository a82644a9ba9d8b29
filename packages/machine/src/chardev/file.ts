import { constants, createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { FdSets, StreamTransport, type Transport } from '@godwit/qmp';
import { systemReason } from '../system-reason.js';
import type { FileChardev } from './configuration.js';

/**
 * A file that is written, and another that may be read; `/dev/fdset/N` is a descriptor that a client handed over.
 * @throws Error when one cannot be opened
 */
export async function fileTransport(
  { path, append, input: source }: FileChardev,
  fdSets: FdSets,
): Promise<Transport> {
  const input = source === undefined ? endless() : await contents(source, fdSets);
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
    input.destroy();
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}

/** Never ends: an end would count as a client that went away. */
function endless(): Readable {
  return new Readable({ read() {} });
}

async function contents(path: string, fdSets: FdSets): Promise<Readable> {
  const through = new PassThrough();
  if (FdSets.isPath(path)) {
    const fd = fdSets.open(path, constants.O_RDONLY);
    const file = createReadStream('', { fd });
    file.once('close', () => fdSets.release(fd));
    file.pipe(through, { end: false });
    through.once('close', () => file.destroy());
    return through;
  }
  try {
    const file = (await open(path, 'r')).createReadStream();
    file.pipe(through, { end: false });
    through.once('close', () => file.destroy());
    return through;
  } catch (cause) {
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}
