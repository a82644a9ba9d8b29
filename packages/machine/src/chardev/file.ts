import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StreamTransport, type Transport } from '@godwit/qmp';
import type { FileChardev } from './configuration.js';

/** A file that is written and never read. @throws the system's error when it cannot be opened */
export async function fileTransport({ path, append }: FileChardev): Promise<Transport> {
  const file = await open(path, append ? 'a' : 'w', 0o666);
  // Never ends: an end would count as a client that went away.
  const input = new Readable({ read() {} });
  return new StreamTransport({ input, output: file.createWriteStream() });
}
