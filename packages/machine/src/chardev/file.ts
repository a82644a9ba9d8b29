import { PassThrough, Readable } from 'node:stream';
import { type FdSets, StreamTransport, type Transport } from '@godwit/qmp';
import type { FileChardev } from './configuration.js';
import { openToRead, openToWrite } from './open-file.js';

/**
 * A file that is written, and another that may be read; `/dev/fdset/N` is a descriptor that a client handed over.
 * @throws Error when one cannot be opened
 */
export async function fileTransport(
  { path, append, input: source }: FileChardev,
  fdSets: FdSets,
): Promise<Transport> {
  const input = source === undefined ? endless() : await contents(source, fdSets);
  try {
    return new StreamTransport({ input, output: await openToWrite(path, append, fdSets) });
  } catch (error) {
    input.destroy();
    throw error;
  }
}

/** Never ends: an end would count as a client that went away. */
function endless(): Readable {
  return new Readable({ read() {} });
}

async function contents(path: string, fdSets: FdSets): Promise<Readable> {
  const through = new PassThrough();
  const file = await openToRead(path, fdSets);
  file.pipe(through, { end: false });
  through.once('close', () => file.destroy());
  return through;
}
