import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageDigestsPortable } from '../src/index.js';
import { addon, needsAddon } from './addon.js';
import { anyRuns, fitting } from './page-runs.js';

function digest(page: Uint8Array): number {
  const into = new Uint32Array(1);
  pageDigestsPortable(page, page.length, Uint32Array.of(0, 1), into);
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
      anyRuns,
      (size, memory, skew, wanted) => {
        const bytes = memory.subarray(skew);
        const { runs, pages } = fitting(wanted, Math.floor(bytes.length / size));
        const native = new Uint32Array(pages);
        const portable = new Uint32Array(pages);
        addon.pageDigests(bytes, size, runs, native);
        pageDigestsPortable(bytes, size, runs, portable);
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
  const refuse = (pageSize: number, runs: number[], reason: RegExp) =>
    assert.throws(() => implementation(bytes, pageSize, Uint32Array.from(runs), one), reason);
  refuse(512, [2, 1], /a page lies beyond the bytes/);
  refuse(512, [1, 0xffffffff], /a page lies beyond the bytes/);
  refuse(0, [0, 1], /a page size is a multiple of 256 bytes/);
  refuse(100, [0, 1], /a page size is a multiple of 256 bytes/);
  refuse(512, [0, 2], /there is no room for all digests/);
  refuse(512, [0, 1, 1, 1], /there is no room for all digests/);
  refuse(512, [0], /a run of pages is two numbers/);
}

test('pages and sizes out of range are refused', () => {
  refusesWhatIsOutOfRange(pageDigestsPortable);
});

test('pages and sizes out of range are refused by the addon', needsAddon, () => {
  refusesWhatIsOutOfRange(addon.pageDigests);
});
