import { PAGE_SIZE } from '../memory/guest-memory.js';

/** 32-bit words of a page. */
export const PAGE_WORDS = PAGE_SIZE / 4;

const STEP = 0x9e3779b1;

export type Finding = 'intact' | 'lost' | 'torn' | 'repeated';

/**
 * The first word of the sequence that fills `page` in its `generation`. For one page different generations have
 * different seeds, and so differ in every word: a mixture of two never passes for one.
 */
function seed(page: number, generation: number): number {
  let hash = (Math.imul(page + 1, 0x85ebca6b) + Math.imul(generation, 0xc2b2ae35)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}

/** Writes the content of `page` in its `generation` (1 or more): generation, page, then the sequence. */
export function writePage(words: Int32Array, start: number, page: number, generation: number): void {
  let word = seed(page, generation);
  words[start] = generation;
  words[start + 1] = page;
  for (let index = start + 2; index < start + PAGE_WORDS; index++) {
    words[index] = word;
    word = (word + STEP) | 0;
  }
}

/** Whether the page holds exactly that generation. Generation 0 is a page of zeros. */
export function holdsGeneration(words: Int32Array, start: number, page: number, generation: number): boolean {
  const written = generation !== 0;
  if (words[start] !== (generation | 0) || words[start + 1] !== (written ? page : 0)) return false;
  const step = written ? STEP : 0;
  let word = written ? seed(page, generation) : 0;
  for (let index = start + 2; index < start + PAGE_WORDS; index++) {
    if (words[index] !== word) return false;
    word = (word + step) | 0;
  }
  return true;
}

/** Compares the page with the generation that it must hold. */
export function inspectPage(words: Int32Array, start: number, page: number, generation: number): Finding {
  if (holdsGeneration(words, start, page, generation)) return 'intact';
  const found = words[start]! >>> 0;
  if (!holdsGeneration(words, start, page, found)) return 'torn';
  return found < generation ? 'lost' : 'repeated';
}
