import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageDigestsPortable } from '../src/index.js';
import { addon, needsAddon } from './addon.js';

function digest(page: Uint8Array): number {
  const into = new Uint32Array(1);
  pageDigestsPortable(page, page.length, new Uint32Array([0]), into);
  return into[0]!;
}

const page = fc.uint8Array({ minLength: 512, maxLength: 512 });

test('the addon and JavaScript agree, for every page size and alignment', needsAddon, () => {
  const sizes = fc.constantFrom(256, 512, 4096);
  fc.assert(
    fc.property(
      sizes,
      fc.uint8Array({ minLength: 4096 * 2, maxLength: 4096 * 4 }),
      fc.integer({ min: 0, max: 7 }),
      fc.array(fc.nat(1), { maxLength: 8 }),
      (size, memory, skew, pages) => {
        const bytes = memory.subarray(skew);
        const chosen = Uint32Array.from(pages.filter((page) => (page + 1) * size <= bytes.length));
        const native = new Uint32Array(chosen.length);
        const portable = new Uint32Array(chosen.length);
        addon.pageDigests(bytes, size, chosen, native);
        pageDigestsPortable(bytes, size, chosen, portable);
        assert.deepEqual(native, portable);
      },
    ),
    { numRuns: 60 },
  );
});

test('digests are the same in every version', () => {
  // Both sides of a migration compare them.
  assert.equal(digest(new Uint8Array(4096)), ZERO_PAGE);
  assert.equal(digest(Uint8Array.from({ length: 4096 }, (_, index) => index & 0xff)), COUNTED_PAGE);
});

const ZERO_PAGE = 3_830_406_162;
const COUNTED_PAGE = 1_935_279_065;

test('a flipped bit changes the digest, whichever it is', () => {
  const bytes = Uint8Array.from({ length: 512 }, (_, index) => (index * 37) & 0xff);
  const original = digest(bytes);
  for (let bit = 0; bit < 512 * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert.notEqual(digest(bytes), original, `bit ${bit}`);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
});

test('two words that change places change the digest', () => {
  fc.assert(
    fc.property(page, fc.nat(127), fc.nat(127), (bytes, left, right) => {
      const words = new Uint32Array(bytes.slice().buffer);
      if (words[left] === words[right]) return;
      [words[left], words[right]] = [words[right]!, words[left]!];
      assert.notEqual(digest(new Uint8Array(words.buffer)), digest(bytes));
    }),
  );
});

function refusesWhatIsOutOfRange(implementation: typeof pageDigestsPortable): void {
  const bytes = new Uint8Array(1024);
  const one = new Uint32Array(1);
  assert.throws(() => implementation(bytes, 512, new Uint32Array([2]), one), RangeError);
  assert.throws(() => implementation(bytes, 0, new Uint32Array([0]), one), RangeError);
  assert.throws(() => implementation(bytes, 100, new Uint32Array([0]), one), RangeError);
  assert.throws(() => implementation(bytes, 512, new Uint32Array([0, 1]), one), RangeError);
}

test('pages and sizes out of range are refused', () => {
  refusesWhatIsOutOfRange(pageDigestsPortable);
});

test('pages and sizes out of range are refused by the addon', needsAddon, () => {
  refusesWhatIsOutOfRange(addon.pageDigests);
});
