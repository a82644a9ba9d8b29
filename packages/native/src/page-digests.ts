/** Words of a row; each has a lane of its own. */
const LANES = 64;
const FACTOR = 0x9e3779b1;

/**
 * As {@link Native.pageDigests}, in JavaScript: a tenth of its speed, the same digests.
 *
 * The digest of a page of 32-bit little-endian words, in 64 lanes: a lane `s` begins with its number × FACTOR (from 1) and
 * takes every 64th word `w` by `s = (rotl(s, 13) xor w) × FACTOR`. The lanes are then folded in halves by the same step
 * until one is left, whose bits are mixed at the end. Every step is a bijection in each of its arguments, so a change of
 * any one word always changes the digest; other changes go unseen with a probability of about 2^-32.
 */
export function pageDigestsPortable(
  bytes: Uint8Array,
  pageSize: number,
  runs: Uint32Array,
  into: Uint32Array,
): void {
  if (!Number.isInteger(pageSize) || pageSize <= 0 || pageSize % 256 !== 0) {
    throw new RangeError('a page size is a multiple of 256 bytes');
  }
  if (runs.length % 2 !== 0) throw new RangeError('a run of pages is two numbers');
  const count = Math.floor(bytes.length / pageSize);
  let pages = 0;
  for (let run = 0; run < runs.length; run += 2) {
    if (runs[run]! + runs[run + 1]! > count) throw new RangeError('a page lies beyond the bytes');
    pages += runs[run + 1]!;
  }
  if (into.length < pages) throw new RangeError('there is no room for all digests');

  const lanes = new Int32Array(LANES);
  const aligned = bytes.byteOffset % 4 === 0;
  let index = 0;
  for (let run = 0; run < runs.length; run += 2) {
    const end = (runs[run]! + runs[run + 1]!) * pageSize;
    for (let start = runs[run]! * pageSize; start < end; start += pageSize) {
      const words = aligned
        ? new Int32Array(bytes.buffer, bytes.byteOffset + start, pageSize / 4)
        : new Int32Array(bytes.slice(start, start + pageSize).buffer);
      into[index++] = digest(words, lanes);
    }
  }
}

function digest(words: Int32Array, lanes: Int32Array): number {
  for (let lane = 0; lane < LANES; lane++) lanes[lane] = Math.imul(lane + 1, FACTOR);
  for (let row = 0; row < words.length; row += LANES) {
    for (let lane = 0; lane < LANES; lane++) lanes[lane] = mix(lanes[lane]!, words[row + lane]!);
  }
  for (let half = LANES / 2; half >= 1; half /= 2) {
    for (let lane = 0; lane < half; lane++) lanes[lane] = mix(lanes[lane]!, lanes[lane + half]!);
  }
  let result = lanes[0]!;
  result = Math.imul(result ^ (result >>> 16), 0x85ebca6b);
  result = Math.imul(result ^ (result >>> 13), 0xc2b2ae35);
  return (result ^ (result >>> 16)) >>> 0;
}

function mix(state: number, word: number): number {
  return Math.imul(((state << 13) | (state >>> 19)) ^ word, FACTOR);
}
