/** Where a subcommand writes. */
export interface Output {
  write(text: string): unknown;
}

export interface Io {
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Mistakes in how a subcommand was called; the message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What went wrong while a subcommand did its work, in one line for the user. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
