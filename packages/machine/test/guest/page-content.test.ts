import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inspectPage, writePage } from '../../src/guest/page-content.js';
import { PAGE_SIZE } from '../../src/memory/guest-memory.js';

const page = fc.integer({ min: 0, max: 2 ** 28 });
const generation = fc.integer({ min: 1, max: 2 ** 31 });

function written(number: number, generationNumber: number): Buffer {
  const bytes = Buffer.alloc(PAGE_SIZE);
  writePage(bytes, 0, number, generationNumber);
  return bytes;
}

test('a page holds the generation that was written, and no other', () => {
  fc.assert(
    fc.property(page, generation, (number, now) => {
      const bytes = written(number, now);
      assert.equal(inspectPage(bytes, 0, number, now), 'intact');
      assert.equal(inspectPage(bytes, 0, number, now + 1), 'lost');
      assert.equal(inspectPage(bytes, 0, number, now - 1), 'repeated');
      assert.equal(inspectPage(bytes, 0, number + 1, now), 'torn');
    }),
  );
});

test('a page of zeros is generation 0', () => {
  const zeros = Buffer.alloc(PAGE_SIZE);
  assert.equal(inspectPage(zeros, 0, 5, 0), 'intact');
  assert.equal(inspectPage(zeros, 0, 5, 3), 'lost');
});

test('any mixture of two generations, at any word, is torn', () => {
  fc.assert(
    fc.property(page, generation, fc.integer({ min: 1, max: PAGE_SIZE / 4 - 1 }), (number, now, word) => {
      const mixed = written(number, now);
      mixed.set(written(number, now - 1).subarray(0, word * 4));
      assert.equal(inspectPage(mixed, 0, number, now), 'torn');
      assert.equal(inspectPage(mixed, 0, number, now - 1), 'torn');
    }),
  );
});

test('a single wrong bit is torn', () => {
  fc.assert(
    fc.property(page, generation, fc.nat(PAGE_SIZE - 1), fc.nat(7), (number, now, at, bit) => {
      const bytes = written(number, now);
      bytes[at]! ^= 1 << bit;
      assert.equal(inspectPage(bytes, 0, number, now), 'torn');
    }),
  );
});
