/** Why a migration did not happen, in words for the person who asked for it. */
export class MigrationError extends Error {
  override readonly name: string = 'MigrationError';
}

/** The stream is not what it should be: not ours, corrupt, out of order, or cut off. */
export class StreamError extends MigrationError {
  override readonly name: string = 'StreamError';
}

/** The connection ended, or takes nothing more, before all was said. A migration may go on over another one. */
export class DisconnectedError extends StreamError {
  override readonly name = 'DisconnectedError';
}

/** The two machines do not fit together. */
export class MismatchError extends MigrationError {
  override readonly name = 'MismatchError';
}

/** The other side gave up and said why. */
export class PeerError extends MigrationError {
  override readonly name = 'PeerError';
}

/** The other side stopped answering, or stopped taking data. */
export class TimeoutError extends MigrationError {
  override readonly name = 'TimeoutError';
}

/** `cancel()` was called. */
export class CancelledError extends MigrationError {
  override readonly name = 'CancelledError';
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Several channels are wanted where there can be but one; QEMU's words. */
export const NEEDS_CHANNELS = 'Migration requires multi-channel URIs (e.g. tcp)';
