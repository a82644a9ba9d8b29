import { type FileHandle, open } from 'node:fs/promises';

/** Bytes that a file with a key, a password or certificates may have. */
const LIMIT = 1 << 20;

/** Reads a file that ought to be small. @throws Error of the system, or when it is too large */
export async function readSmallFile(path: string): Promise<Buffer> {
  const file: FileHandle = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(LIMIT + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    throw new Error(`more than ${LIMIT} bytes`);
  } finally {
    await file.close();
  }
}
