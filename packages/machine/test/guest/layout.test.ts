import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { layoutGuest, slice, visitOrder } from '../../src/guest/layout.js';

const range = fc.record({ first: fc.nat(1000), count: fc.integer({ min: 1, max: 3000 }) });

test('a round visits every page of the range once', () => {
  fc.assert(
    fc.property(range, (pages) => {
      const order = visitOrder(pages);
      const visited = new Set(Array.from({ length: pages.count }, (_, visit) => order(visit)));
      assert.equal(visited.size, pages.count);
      assert.equal(Math.min(...visited), pages.first);
      assert.equal(Math.max(...visited), pages.first + pages.count - 1);
    }),
  );
});

test('slices of a range follow one another and make up the whole', () => {
  fc.assert(
    fc.property(range, fc.integer({ min: 1, max: 40 }), (pages, parts) => {
      let next = pages.first;
      for (let index = 0; index < parts; index++) {
        const part = slice(pages, index, parts);
        assert.equal(part.first, next);
        next += part.count;
      }
      assert.equal(next, pages.first + pages.count);
    }),
  );
});

test('working set, static pages and DMA buffers share RAM without overlap', () => {
  const { workingSet, staticPages, dma } = layoutGuest(512 * 2 ** 20);
  assert.deepEqual(workingSet, { first: 0, count: 65536 });
  assert.deepEqual(staticPages, { first: 65536, count: 65536 - 4096 });
  assert.deepEqual(dma, { first: 131072 - 4096, count: 4096 });
});

test('a working set that does not fit is refused with the largest that does', () => {
  assert.throws(
    () => layoutGuest(2 ** 20, 2 ** 20),
    /1048576 bytes does not fit into 1048576 bytes of RAM; at most 917504/,
  );
  assert.throws(() => layoutGuest(2 ** 20, 100), RangeError);
});
