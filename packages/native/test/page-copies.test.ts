import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageDigestsPortable } from '../src/index.js';
import { addon, needsAddon } from './addon.js';

const PAGE = 4096;

test('pages are copied with their digests, and no others, whatever the alignment', needsAddon, async () => {
  const size = fc.constantFrom(256, 512, PAGE);
  const memory = fc.uint8Array({ minLength: PAGE * 2, maxLength: PAGE * 4 });
  const skew = fc.integer({ min: 0, max: 17 });
  const pages = fc.array(fc.nat(3), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(size, memory, skew, skew, pages, async (pageSize, contents, skew, other, wanted) => {
      const from = contents.subarray(skew);
      const into = new Uint8Array(from.length + other).subarray(other);
      const chosen = Uint32Array.from(wanted.filter((page) => (page + 1) * pageSize <= from.length));
      const digests = new Uint32Array(chosen.length);
      await addon.copyPages(from, into, pageSize, chosen, digests);

      const expected = new Uint8Array(from.length);
      for (const page of chosen) {
        const [start, end] = [page * pageSize, (page + 1) * pageSize];
        expected.set(from.subarray(start, end), start);
      }
      assert.deepEqual(into, expected);
      const portable = new Uint32Array(chosen.length);
      pageDigestsPortable(from, pageSize, chosen, portable);
      assert.deepEqual(digests, portable);
    }),
    { numRuns: 60 },
  );
});

test('a mapping stays while pages of it are copied, and can be given up afterwards', needsAddon, async () => {
  const fd = addon.memfdCreate('pages', 2 * PAGE);
  const readOnly = openSync(`/proc/self/fd/${fd}`, 'r');
  const theirs = addon.mmap(fd, 0, 2 * PAGE, true);
  const seen = addon.mmap(readOnly, 0, 2 * PAGE, false);
  const own = addon.mmap(fd, 0, 2 * PAGE, false);
  closeSync(readOnly);
  addon.close(fd);
  new Uint8Array(theirs).fill(7);

  const digests = new Uint32Array(2);
  const pages = Uint32Array.of(1, 0);
  const copying = addon.copyPages(new Uint8Array(seen), new Uint8Array(own), PAGE, pages, digests);
  assert.throws(() => addon.munmap(seen), { code: 'EBUSY' });
  assert.throws(() => addon.munmap(own), { code: 'EBUSY' });
  await copying;
  assert.equal(Buffer.compare(new Uint8Array(own), new Uint8Array(2 * PAGE).fill(7)), 0);
  for (const mapping of [seen, own, theirs]) addon.munmap(mapping);
});

test('what lies outside, or has no room, is refused before anything is copied', needsAddon, () => {
  const bytes = new Uint8Array(2 * PAGE);
  const copy = (pageSize: number, pages: number[], room: number, into = bytes) =>
    addon.copyPages(bytes, into, pageSize, Uint32Array.from(pages), new Uint32Array(room));
  assert.throws(() => copy(PAGE, [2], 1), /a page lies beyond the bytes/);
  assert.throws(() => copy(PAGE, [1], 1, new Uint8Array(PAGE)), /a page lies beyond the bytes/);
  assert.throws(() => copy(PAGE, [0, 1], 1), /no room for all digests/);
  assert.throws(() => copy(100, [0], 1), /multiple of 256/);
});
