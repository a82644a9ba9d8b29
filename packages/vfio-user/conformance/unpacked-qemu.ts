import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Unavailable } from './debian-packages.js';

/** How a QEMU is called whose packages were unpacked below `root`. Throws {@link Unavailable}. */
export function unpackedQemu(root: string): readonly string[] {
  const one = fileFinder(root);
  const libraries = join(one(/\/libc\.so\.6$/), '..');
  // The program runs with the libraries that it came with, from where it was unpacked.
  return [
    ...['env', `QEMU_MODULE_DIR=${join(libraries, 'qemu')}`],
    ...[one(/\/ld-linux-x86-64\.so\.2$/), '--library-path', libraries],
    ...[one(/bin\/qemu-system-x86_64$/), '-L', join(root, 'usr/share/qemu')],
    ...['-L', join(root, 'usr/share/seabios')],
  ];
}

/** Finds the file below `root` whose path matches, or throws {@link Unavailable}. */
export function fileFinder(root: string): (pattern: RegExp) => string {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return (pattern) => {
    const file = files.find((each) => pattern.test(each));
    if (file === undefined) throw new Unavailable(`the packages hold no file like ${pattern}`);
    return join(root, file);
  };
}
