const nothing: Buffer = Buffer.alloc(0);

/** A larger buffer than this is not kept for the sake of one large token. */
const longestKept = 64 << 10;

/** The part of a token that came with earlier chunks. */
export class PartialToken {
  #bytes: Buffer = nothing;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Valid up to `length`, until the next change. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  append(input: Buffer, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(64, length, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    input.copy(this.#bytes, this.#length, start, end);
    this.#length = length;
  }

  drop(): void {
    this.#length = 0;
    if (this.#bytes.length > longestKept) this.#bytes = nothing;
  }
}
