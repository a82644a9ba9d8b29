import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';

/** Where schema files come from. */
export interface SchemaReader {
  /**
   * The contents of a file. Throws an error whose `code` is the POSIX name of what went wrong (`ENOENT`,
   * `EISDIR`, …) when it cannot be read.
   */
  read(path: string): Uint8Array;
}

/** Larger files are refused (bytes). */
const maximumFileSize = 64 * 1024 * 1024;

/** Reads from the file system. Pipes work, and nothing is read without a limit. */
export const fileReader: SchemaReader = {
  read(path) {
    const descriptor = openSync(path, 'r');
    try {
      const chunks: Buffer[] = [];
      // One byte more than there should be, so that the end is seen with the second call.
      let room = Math.min(fstatSync(descriptor).size, maximumFileSize) + 1;
      for (let size = 0; ; room = 64 * 1024) {
        const chunk = Buffer.allocUnsafe(room);
        const count = readSync(descriptor, chunk, 0, room, null);
        if (count === 0) return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
        size += count;
        if (size > maximumFileSize) throw Object.assign(new Error('File too large'), { code: 'EFBIG' });
        chunks.push(chunk.subarray(0, count));
      }
    } finally {
      closeSync(descriptor);
    }
  },
};

/** Reads every file once. */
export function cachedReader(reader: SchemaReader): SchemaReader {
  const known = new Map<string, Uint8Array>();
  return {
    read(path) {
      const key = resolve(path);
      const contents = known.get(key) ?? reader.read(path);
      known.set(key, contents);
      return contents;
    },
  };
}

/** POSIX error names and the texts that the C library has for them. */
const errorTexts: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EFBIG: 'File too large',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOMEM: 'Cannot allocate memory',
  ENOTDIR: 'Not a directory',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
};

/** Why a file could not be read, as the C library puts it. */
export function readErrorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return errorTexts[code] ?? error.message;
}
