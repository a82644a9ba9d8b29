import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { pageDigestsPortable } from '../src/index.js';
import { addon, needsAddon } from './addon.js';
import { anyRuns, fitting } from './page-runs.js';

const PAGE = 4096;

test('pages are copied with their digests, and no others, whatever the alignment', needsAddon, async () => {
  const size = fc.constantFrom(256, 512, PAGE);
  const memory = fc.uint8Array({ minLength: PAGE * 2, maxLength: PAGE * 4 });
  const skew = fc.integer({ min: 0, max: 17 });
  await fc.assert(
    fc.asyncProperty(size, memory, skew, skew, anyRuns, async (pageSize, contents, skew, other, wanted) => {
      const from = contents.subarray(skew);
      const into = new Uint8Array(from.length + other).subarray(other);
      const { runs, pages } = fitting(wanted, Math.floor(from.length / pageSize));
      const digests = new Uint32Array(pages);
      await addon.copyPages(from, into, pageSize, runs, digests);

      const expected = new Uint8Array(from.length);
      for (let run = 0; run < runs.length; run += 2) {
        const start = runs[run]! * pageSize;
        expected.set(from.subarray(start, start + runs[run + 1]! * pageSize), start);
      }
      assert.deepEqual(into, expected);
      const portable = new Uint32Array(pages);
      pageDigestsPortable(from, pageSize, runs, portable);
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
  const runs = Uint32Array.of(1, 1, 0, 1);
  const copying = addon.copyPages(new Uint8Array(seen), new Uint8Array(own), PAGE, runs, digests);
  assert.throws(() => addon.munmap(seen), { code: 'EBUSY' });
  assert.throws(() => addon.munmap(own), { code: 'EBUSY' });
  await copying;
  assert.equal(Buffer.compare(new Uint8Array(own), new Uint8Array(2 * PAGE).fill(7)), 0);
  for (const mapping of [seen, own, theirs]) addon.munmap(mapping);
});

test('what lies outside, or has no room, is refused before anything is copied', needsAddon, () => {
  const bytes = new Uint8Array(2 * PAGE);
  const copy = (pageSize: number, runs: number[], room: number, into = bytes) =>
    addon.copyPages(bytes, into, pageSize, Uint32Array.from(runs), new Uint32Array(room));
  assert.throws(() => copy(PAGE, [1, 2], 2), /a page lies beyond the bytes/);
  assert.throws(() => copy(PAGE, [1, 1], 1, new Uint8Array(PAGE)), /a page lies beyond the bytes/);
  assert.throws(() => copy(PAGE, [0, 2], 1), /no room for all digests/);
  assert.throws(() => copy(PAGE, [0, 1, 1], 2), /a run of pages is two numbers/);
  assert.throws(() => copy(100, [0, 1], 1), /multiple of 256/);
});
