/**
 * A connected byte stream as a session sees it, with the descriptors that came along where the transport can carry them.
 * Implementations: unix sockets (with descriptors), tcp, TLS, stdio, an in-memory pair for tests.
 */
export interface Transport {
  /** Whether descriptors can be sent and received. */
  readonly carriesDescriptors: boolean;
  /** Called by the session once; chunks are valid only during the call. The session owns the descriptors it is given. */
  start(handler: TransportHandler): void;
  /**
   * Queues bytes, which must not change any more; returns false when the peer reads too slowly (see `writableLength`).
   * Bytes, but no descriptors, may be written before `start`.
   * Descriptors go with the first byte; the transport owns them from here on and closes them when they are sent, or cannot be.
   */
  write(bytes: Uint8Array, fds?: readonly number[]): boolean;
  /**
   * For who has nothing to do before the peer has answered: may hold up the thread for a moment, as long as that pays, and
   * hands over what came meanwhile before it returns.
   */
  awaitAnswer?(): void;
  /** Bytes that were queued and not taken by the peer yet. */
  readonly writableLength: number;
  /**
   * Whether the peer has read all that was written, where the transport can tell: a unix socket can, of tcp only the peer's
   * kernel is known to have it.
   */
  readonly allRead?: boolean;
  /** Stops and continues reading; nothing is lost in between. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. Idempotent. */
  destroy(): void;
}

export interface TransportHandler {
  data(chunk: Uint8Array, fds: readonly number[]): void;
  /** All queued bytes were taken, after `write` had returned false. */
  drain(): void;
  /** The peer sends no more. What is written still reaches it, until `end` or `destroy`. */
  ended(): void;
  /**
   * The peer has closed while reading is paused, as far as the transport can tell: nothing that is written reaches it. Without
   * this it is noticed when reading goes on.
   */
  hungUp?(): void;
  /** Called exactly once, with the error that ended the stream, if one did. */
  closed(error: Error | undefined): void;
}
