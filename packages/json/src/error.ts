/** QEMU formats the detail of a parse error into a buffer of this size. */
const longestDetail = 1023;

/** JSON text that cannot be read. The message is the one that QEMU gives. */
export class JsonError extends Error {
  override readonly name = 'JsonError';

  /** @param detail what is wrong, as it follows `JSON parse error, ` */
  static parse(detail: string): JsonError {
    return new JsonError(`JSON parse error, ${detail.slice(0, longestDetail)}`);
  }
}
