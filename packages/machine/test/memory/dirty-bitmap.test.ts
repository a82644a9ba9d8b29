import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DirtyBitmap } from '../../src/memory/dirty-bitmap.js';

function pagesOf(words: Uint32Array): number[] {
  return [...words].flatMap((word, index) =>
    Array.from({ length: 32 }, (_, bit) => index * 32 + bit).filter((_, bit) => (word >>> bit) & 1),
  );
}

test('marked pages are reported once, in any thread that shares the bitmap', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 99 })),
      fc.array(fc.integer({ min: 0, max: 99 })),
      (first, second) => {
        const bitmap = new DirtyBitmap(100);
        const other = new DirtyBitmap(bitmap.buffer);
        const into = new Uint32Array(4);
        for (const page of first) other.mark(page);
        bitmap.collect(into);
        assert.deepEqual(
          pagesOf(into),
          [...new Set(first)].sort((a, b) => a - b),
        );
        into.fill(0);
        for (const page of second) other.mark(page);
        bitmap.collect(into);
        assert.deepEqual(
          pagesOf(into),
          [...new Set(second)].sort((a, b) => a - b),
        );
        into.fill(0);
        bitmap.collect(into);
        assert.deepEqual(pagesOf(into), []);
      },
    ),
  );
});

test('collecting adds to what was there', () => {
  const bitmap = new DirtyBitmap(32);
  const into = Uint32Array.of(1);
  bitmap.mark(31);
  bitmap.collect(into);
  assert.deepEqual(pagesOf(into), [0, 31]);
});

test('starting forgets earlier marks', () => {
  const bitmap = new DirtyBitmap(64);
  bitmap.mark(40);
  bitmap.start();
  bitmap.mark(41);
  const into = new Uint32Array(2);
  bitmap.collect(into);
  assert.deepEqual(pagesOf(into), [41]);
});

test('a bitmap that is too small to report into is refused before anything is forgotten', () => {
  const bitmap = new DirtyBitmap(64);
  bitmap.mark(1);
  assert.throws(() => bitmap.collect(new Uint32Array(1)), RangeError);
  const into = new Uint32Array(2);
  bitmap.collect(into);
  assert.deepEqual(pagesOf(into), [1]);
});
