import { PAGE_SIZE } from '../memory/guest-memory.js';

/** Bytes of the header of a page: its generation and its number, 32 bits each, little-endian. */
const HEADER = 8;
const BODY = PAGE_SIZE - HEADER;

/**
 * How many bodies there are. A prime, so that generations that differ in one bit, or in any number that is no multiple of
 * it, have different bodies.
 */
const BODIES = 16381;

/** Random words; body n is what begins at the n-th of them. Comparing and copying stretches of it is as fast as memory. */
const NOISE = noise(BODIES + BODY / 4);
const ZEROS = Buffer.alloc(PAGE_SIZE);

export type Finding = 'intact' | 'lost' | 'torn' | 'repeated';

/** Writes the content of `page` in its `generation` (1 or more) at byte `start` of `ram`. */
export function writePage(ram: Buffer, start: number, page: number, generation: number): void {
  ram.writeUInt32LE(generation, start);
  ram.writeUInt32LE(page, start + 4);
  const body = bodyOf(page, generation);
  NOISE.copy(ram, start + HEADER, body, body + BODY);
}

/** Whether the page holds exactly that generation. Generation 0 is a page of zeros. */
function holdsGeneration(ram: Buffer, start: number, page: number, generation: number): boolean {
  if (generation === 0) return ram.compare(ZEROS, 0, PAGE_SIZE, start, start + PAGE_SIZE) === 0;
  if (ram.readUInt32LE(start) !== generation || ram.readUInt32LE(start + 4) !== page) return false;
  const body = bodyOf(page, generation);
  return ram.compare(NOISE, body, body + BODY, start + HEADER, start + PAGE_SIZE) === 0;
}

/** Compares the page with the generation that it must hold. */
export function inspectPage(ram: Buffer, start: number, page: number, generation: number): Finding {
  if (holdsGeneration(ram, start, page, generation)) return 'intact';
  const found = ram.readUInt32LE(start);
  if (!holdsGeneration(ram, start, page, found)) return 'torn';
  return found < generation ? 'lost' : 'repeated';
}

/**
 * Where the body begins in the noise, in bytes. Successive generations of a page are neighbours there, one word apart, and
 * so differ in every word: a mixture of two never passes for one.
 */
function bodyOf(page: number, generation: number): number {
  return (((Math.imul(page + 1, 0x9e3779b1) >>> 0) + generation) % BODIES) * 4;
}

/** The same in every thread and process. */
function noise(words: number): Buffer {
  const bytes = Buffer.alloc(words * 4);
  let state = 0x6d2b79f5;
  for (let index = 0; index < words; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes.writeInt32LE(state, index * 4);
  }
  return bytes;
}
