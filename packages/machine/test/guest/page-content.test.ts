import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inspectPage, PAGE_WORDS, writePage } from '../../src/guest/page-content.js';

const page = fc.integer({ min: 0, max: 2 ** 28 });
const generation = fc.integer({ min: 1, max: 2 ** 31 });

function written(number: number, generationNumber: number): Int32Array {
  const words = new Int32Array(PAGE_WORDS);
  writePage(words, 0, number, generationNumber);
  return words;
}

test('a page holds the generation that was written, and no other', () => {
  fc.assert(
    fc.property(page, generation, (number, now) => {
      const words = written(number, now);
      assert.equal(inspectPage(words, 0, number, now), 'intact');
      assert.equal(inspectPage(words, 0, number, now + 1), 'lost');
      assert.equal(inspectPage(words, 0, number, now - 1), 'repeated');
      assert.equal(inspectPage(words, 0, number + 1, now), 'torn');
    }),
  );
});

test('a page of zeros is generation 0', () => {
  const zeros = new Int32Array(PAGE_WORDS);
  assert.equal(inspectPage(zeros, 0, 5, 0), 'intact');
  assert.equal(inspectPage(zeros, 0, 5, 3), 'lost');
});

test('any mixture of two generations, at any word, is torn', () => {
  fc.assert(
    fc.property(page, generation, fc.integer({ min: 1, max: PAGE_WORDS - 1 }), (number, now, cut) => {
      const mixed = written(number, now);
      mixed.set(written(number, now - 1).subarray(0, cut));
      assert.equal(inspectPage(mixed, 0, number, now), 'torn');
      assert.equal(inspectPage(mixed, 0, number, now - 1), 'torn');
    }),
  );
});

test('a single wrong bit is torn', () => {
  fc.assert(
    fc.property(page, generation, fc.nat(PAGE_WORDS - 1), fc.nat(31), (number, now, word, bit) => {
      const words = written(number, now);
      words[word]! ^= 1 << bit;
      assert.equal(inspectPage(words, 0, number, now), 'torn');
    }),
  );
});
