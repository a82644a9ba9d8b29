/** What a client is expected to say: yields how many bytes come next, and is given exactly these. */
export type Conversation<Result> = Generator<number, Result, Buffer>;

/** The client does not keep to the protocol. */
export class VncProtocolError extends Error {
  override name = 'VncProtocolError';
}

/** Feeds a conversation with bytes as they come. It keeps no more than the conversation has asked for and one chunk. */
export class Listening {
  readonly #conversation: Conversation<void>;
  #needed: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(conversation: Conversation<void>) {
    this.#conversation = conversation;
    this.#needed = nextOf(conversation.next());
  }

  /** @throws what the conversation throws; it must not be fed after that */
  feed(chunk: Uint8Array): void {
    let rest = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk]);
    while (rest.length >= this.#needed) {
      const taken = rest.subarray(0, this.#needed);
      rest = rest.subarray(this.#needed);
      this.#needed = nextOf(this.#conversation.next(taken));
    }
    this.#bytes = rest;
  }
}

function nextOf(result: IteratorResult<number, void>): number {
  return result.done === true ? Number.POSITIVE_INFINITY : result.value;
}
