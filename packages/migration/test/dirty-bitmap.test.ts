import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DirtyBitmap, PageRuns } from '../src/ram/dirty-bitmap.js';

const anyBitmap = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.array(fc.tuple(fc.nat(299), fc.integer({ min: 1, max: 100 }))))
  .map(([pages, ranges]) => {
    const bitmap = new DirtyBitmap(pages);
    const set = new Set<number>();
    for (const [first, count] of ranges) {
      for (let page = first; page < Math.min(pages, first + count); page++) {
        bitmap.words[page >>> 5]! |= 1 << (page & 31);
        set.add(page);
      }
    }
    return { bitmap, set };
  });

test('every set page is taken once, in order, in runs as long as they can be', () => {
  fc.assert(
    fc.property(
      anyBitmap,
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 8 }),
      ({ bitmap, set }, limit, capacity) => {
        assert.equal(bitmap.count(), set.size);
        const taken: number[] = [];
        const runs = new PageRuns(capacity);
        for (let page = 0; page < bitmap.pages; ) {
          runs.clear();
          page = bitmap.take(page, bitmap.pages, limit, runs);
          assert.ok(runs.pages <= limit);
          for (let run = 0; run < runs.length; run++) {
            for (let next = 0; next < runs.count[run]!; next++) taken.push(runs.first[run]! + next);
            if (run > 0) assert.ok(runs.first[run]! > runs.first[run - 1]! + runs.count[run - 1]!);
          }
        }
        assert.deepEqual(
          taken,
          [...set].sort((a, b) => a - b),
        );
        assert.equal(bitmap.count(), 0);
      },
    ),
  );
});

test('only pages of the range are taken', () => {
  const bitmap = new DirtyBitmap(200);
  bitmap.setAll();
  assert.equal(bitmap.count(), 200);
  const runs = new PageRuns(4);
  assert.equal(bitmap.take(33, 97, 1000, runs), 97);
  assert.deepEqual([runs.length, runs.first[0], runs.count[0]], [1, 33, 64]);
  assert.equal(bitmap.count(), 136);
});
