/** The client is to be spoken to over TLS from here on. */
export const SECURE = Symbol('secure');

/** What a client is expected to say: yields how many bytes come next, and is given exactly these; none for {@link SECURE}. */
export type Conversation<Result> = Generator<number | typeof SECURE, Result, Buffer>;

/** The client does not keep to the protocol. */
export class VncProtocolError extends Error {
  override name = 'VncProtocolError';
}

/** Feeds a conversation with bytes as they come. It keeps no more than the conversation has asked for and one chunk. */
export class Listening {
  readonly #conversation: Conversation<void>;
  readonly #secure: (received: Buffer) => void;
  #needed = Number.POSITIVE_INFINITY;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param secure called when TLS is to begin, with what has come of it; {@link secured} is for when it has */
  constructor(conversation: Conversation<void>, secure: (received: Buffer) => void) {
    this.#conversation = conversation;
    this.#secure = secure;
    this.#advance(Buffer.alloc(0));
  }

  /** @throws what the conversation throws; it must not be fed after that */
  feed(chunk: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= this.#needed) {
      const taken = this.#bytes.subarray(0, this.#needed);
      this.#bytes = this.#bytes.subarray(this.#needed);
      this.#advance(taken);
    }
  }

  /** What is fed from now on was encrypted. */
  secured(): void {
    this.#advance(Buffer.alloc(0));
  }

  #advance(taken: Buffer): void {
    const { value, done } = this.#conversation.next(taken);
    this.#needed = typeof value === 'number' && done !== true ? value : Number.POSITIVE_INFINITY;
    if (value !== SECURE) return;
    const received = this.#bytes;
    this.#bytes = Buffer.alloc(0);
    this.#secure(received);
  }
}
