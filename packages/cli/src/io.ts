import type { Readable, Writable } from 'node:stream';

/** Where a command reads and writes. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** Mistakes in how a command was called; the message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What went wrong while a command did its work, in one line for the user. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
