/** A set of block numbers below a fixed count, one bit each. */
export class BlockSet {
  readonly #words: Uint32Array;
  readonly #blocks: number;
  #count = 0;

  constructor(blocks: number) {
    this.#blocks = blocks;
    this.#words = new Uint32Array(Math.ceil(blocks / 32));
  }

  get count(): number {
    return this.#count;
  }

  has(block: number): boolean {
    return (this.#words[block >>> 5]! & (1 << (block & 31))) !== 0;
  }

  add(block: number): void {
    if (this.has(block)) return;
    this.#words[block >>> 5]! |= 1 << (block & 31);
    this.#count++;
  }

  delete(block: number): void {
    if (!this.has(block)) return;
    this.#words[block >>> 5]! &= ~(1 << (block & 31));
    this.#count--;
  }

  addAll(): void {
    this.#words.fill(0xffffffff);
    const spare = this.#blocks & 31;
    if (spare !== 0) this.#words[this.#words.length - 1] = 2 ** spare - 1;
    this.#count = this.#blocks;
  }

  clear(): void {
    this.#words.fill(0);
    this.#count = 0;
  }

  /** Takes out the first run of consecutive blocks at or after `from`, at most `limit` long; from the start again when there is none. */
  takeRun(from: number, limit: number): { first: number; length: number } | undefined {
    const first = this.#nextFrom(from) ?? this.#nextFrom(0);
    if (first === undefined) return undefined;
    let length = 0;
    while (length < limit && first + length < this.#blocks && this.has(first + length)) {
      this.delete(first + length);
      length++;
    }
    return { first, length };
  }

  #nextFrom(from: number): number | undefined {
    if (this.#count === 0 || from >= this.#blocks) return undefined;
    let index = from >>> 5;
    let word = this.#words[index]! & (0xffffffff << (from & 31));
    while (word === 0) {
      index++;
      if (index >= this.#words.length) return undefined;
      word = this.#words[index]!;
    }
    return index * 32 + (31 - Math.clz32(word & -word));
  }
}
