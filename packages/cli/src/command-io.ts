import type { Readable, Writable } from 'node:stream';

/** Where a subcommand reads and writes. */
export interface CommandIo {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}
