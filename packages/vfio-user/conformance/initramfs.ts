import { gzipSync } from 'node:zlib';

export interface InitramfsFile {
  readonly path: string;
  readonly content: Uint8Array;
}

const EXECUTABLE = 0o100755;
const FOLDER = 0o040755;
/** The last entry of an archive. */
const TRAILER = 'TRAILER!!!';

/** An initramfs of executable files, and the folders that they are in: a cpio archive in the format "newc", compressed. */
export function initramfs(files: readonly InitramfsFile[]): Buffer {
  const folders = new Set(files.map(({ path }) => path.split('/').slice(0, -1).join('/')).filter(Boolean));
  const entries = [
    ...[...folders].map((path) => entry(path, FOLDER, new Uint8Array())),
    ...files.map(({ path, content }) => entry(path, EXECUTABLE, content)),
    entry(TRAILER, 0, new Uint8Array()),
  ];
  return gzipSync(Buffer.concat(entries.flat()), { level: 1 });
}

/** Header of 8-digit hexadecimal fields, name with a NUL, content; name and content end at multiples of four. */
function entry(path: string, mode: number, content: Uint8Array): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = {
    ...{ inode: 0, mode, user: 0, group: 0, links: 1, modified: 0 },
    ...{ size: content.length, major: 0, minor: 0, deviceMajor: 0, deviceMinor: 0 },
    ...{ nameSize: name.length, check: 0 },
  };
  const digits = Object.values(fields).map((field) => field.toString(16).padStart(8, '0'));
  const header = Buffer.concat([Buffer.from(`070701${digits.join('')}`), name]);
  return [header, padding(header.length), Buffer.from(content), padding(content.length)];
}

function padding(length: number): Buffer {
  return Buffer.alloc(-length & 3);
}
