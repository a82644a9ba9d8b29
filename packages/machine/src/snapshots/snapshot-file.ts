const SUFFIX = '.snapshot';

/** Bytes of a file's name, with what it ends in while it is written. */
const LONGEST = 255 - '.partial'.length;

/** Characters of a tag that are in the file's name as they are; others are %XX for each byte. */
const PLAIN = /^[A-Za-z0-9_.-]$/;

/** The name of the file for a tag, whatever characters it has. Undefined where it would be too long. */
export function snapshotFile(tag: string): string | undefined {
  const name = [...Buffer.from(tag)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      // A file whose name begins with a dot is hidden.
      if (PLAIN.test(character) && !(index === 0 && character === '.')) return character;
      return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
  return name.length + SUFFIX.length > LONGEST ? undefined : `${name}${SUFFIX}`;
}

/** The tag of a file; undefined for one that holds no snapshot. */
export function snapshotTag(file: string): string | undefined {
  if (!file.endsWith(SUFFIX)) return undefined;
  try {
    const tag = decodeURIComponent(file.slice(0, -SUFFIX.length));
    return snapshotFile(tag) === file ? tag : undefined;
  } catch {
    return undefined;
  }
}
