/** QEMU formats the detail of a parse error into a buffer of this size. */
const longestDetail = 1023;

/**
 * What is wrong with JSON text, in QEMU's words. The reader reports it as a plain object: making an `Error` costs more than
 * reading a message, and whoever sends malformed bytes would have it made for nothing.
 */
export interface JsonFault {
  readonly message: string;
}

/** @param detail what is wrong, as it follows `JSON parse error, ` */
export function parseFault(detail: string): JsonFault {
  return { message: `JSON parse error, ${detail.slice(0, longestDetail)}` };
}

/** JSON text that cannot be read. The message is the one that QEMU gives. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}
