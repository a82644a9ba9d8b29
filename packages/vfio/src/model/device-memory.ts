import { VfioError } from '../error.js';

/** Bytes of one block: what is tracked, sent and checked as a unit. */
export const BLOCK_SIZE = 4096;

const BLOCK_HEAD = 8;
const BODY = BLOCK_SIZE - BLOCK_HEAD;
const PATTERN_SIZE = 64 * 1024;

/** How many blocks were looked at and how many do not hold what they should. */
export interface Verification {
  readonly blocks: number;
  readonly errors: number;
}

/**
 * The bulk of a device's state. The first `guestSize` bytes belong to the guest, which reads and writes them; the rest is the
 * device's own and checks itself: every block holds its number, its generation and a body that follows from both, and the
 * generation that it should have is kept apart (among the registers), so that a block lost, torn, stale or misplaced is found.
 */
export class DeviceMemory {
  readonly bytes: Uint8Array;
  readonly blocks: number;
  readonly guestSize: number;
  /** The generation that each block should hold; 0 after a reset. */
  readonly generations: Uint32Array;
  /** Called with the number of each block that changes. */
  onWrite: ((block: number) => void) | undefined;
  readonly #buffer: Buffer;
  readonly #patternWords = new Int32Array((PATTERN_SIZE + BODY) / 4);
  readonly #pattern = Buffer.from(this.#patternWords.buffer);
  readonly #firstOwn: number;
  #seed = 0;

  /** Sizes are bytes and multiples of {@link BLOCK_SIZE}. */
  constructor(size: number, guestSize: number, seed: number) {
    this.bytes = new Uint8Array(size);
    this.blocks = size / BLOCK_SIZE;
    this.guestSize = guestSize;
    this.generations = new Uint32Array(this.blocks);
    this.#buffer = Buffer.from(this.bytes.buffer);
    this.#firstOwn = guestSize / BLOCK_SIZE;
    this.regenerate(seed);
  }

  /** What the contents are made from. It travels with the device; setting it does not touch the blocks. */
  get seed(): number {
    return this.#seed;
  }

  set seed(seed: number) {
    this.#seed = seed >>> 0;
    // xorshift32, which must not start at zero.
    let word = this.#seed ^ 0x9e3779b9 || 1;
    const words = this.#patternWords;
    for (let index = 0; index < words.length; index++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[index] = word;
    }
  }

  /** As after power-on: the guest's part zero, the device's own made from that seed. */
  reset(seed: number): void {
    this.bytes.fill(0, 0, this.guestSize);
    this.regenerate(seed);
  }

  /** New contents for the device's own blocks, which are then at generation 0 of that seed. */
  regenerate(seed: number): void {
    this.seed = seed;
    this.generations.fill(0);
    for (let block = this.#firstOwn; block < this.blocks; block++) this.#write(block);
  }

  /** The number of blocks that are the device's own. */
  get ownBlocks(): number {
    return this.blocks - this.#firstOwn;
  }

  /** Writes the next generation of one of the device's own blocks; `index` counts from 0 to {@link ownBlocks} - 1. */
  advance(index: number): void {
    const block = this.#firstOwn + index;
    this.generations[block]!++;
    this.#write(block);
    this.onWrite?.(block);
  }

  /** Copies from the guest's part. EINVAL outside of it. */
  readGuest(offset: number, into: Uint8Array): void {
    this.#checkGuest(offset, into.length);
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  /** Copies to the guest's part. EINVAL outside of it. */
  writeGuest(offset: number, from: Uint8Array): void {
    this.#checkGuest(offset, from.length);
    if (from.length === 0) return;
    this.bytes.set(from, offset);
    const last = Math.floor((offset + from.length - 1) / BLOCK_SIZE);
    for (let block = Math.floor(offset / BLOCK_SIZE); block <= last; block++) this.onWrite?.(block);
  }

  /** Checks every block that is the device's own. */
  verify(): Verification {
    let errors = 0;
    for (let block = this.#firstOwn; block < this.blocks; block++) {
      if (!this.#isIntact(block)) errors++;
    }
    return { blocks: this.ownBlocks, errors };
  }

  #isIntact(block: number): boolean {
    const start = block * BLOCK_SIZE;
    const generation = this.generations[block]!;
    if (this.#buffer.readUInt32LE(start) !== block) return false;
    if (this.#buffer.readUInt32LE(start + 4) !== generation) return false;
    const source = this.#source(block, generation);
    const body = start + BLOCK_HEAD;
    return this.#buffer.compare(this.#pattern, source, source + BODY, body, body + BODY) === 0;
  }

  #write(block: number): void {
    const start = block * BLOCK_SIZE;
    const generation = this.generations[block]!;
    this.#buffer.writeUInt32LE(block, start);
    this.#buffer.writeUInt32LE(generation, start + 4);
    const source = this.#source(block, generation);
    this.#pattern.copy(this.#buffer, start + BLOCK_HEAD, source, source + BODY);
  }

  /** Where in the pattern the body of a block starts: neighbours, in number or generation, start elsewhere. */
  #source(block: number, generation: number): number {
    const mixed = Math.imul(block + 1, 0x85ebca6b) ^ Math.imul(generation + 1, 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % PATTERN_SIZE;
  }

  #checkGuest(offset: number, length: number): void {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > this.guestSize) {
      throw new VfioError(
        'EINVAL',
        `${length} bytes at offset ${offset} are outside of the ${this.guestSize} bytes of memory that the guest has`,
      );
    }
  }
}
