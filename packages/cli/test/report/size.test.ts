import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatBytes, formatDuration, parseSize } from '../../src/report/size.js';

test('sizes are read in binary units', () => {
  assert.equal(parseSize('4096'), 4096);
  assert.equal(parseSize('512M'), 512 * 2 ** 20);
  assert.equal(parseSize('1.5g'), 1.5 * 2 ** 30);
  assert.equal(parseSize('2KiB'), 2048);
  for (const text of ['', 'M', '1T', '-1', '1e3', '0.1', '1 M']) assert.equal(parseSize(text), undefined);
});

test('bytes are shown with three digits or less', () => {
  assert.equal(formatBytes(0), '0 B');
  assert.equal(formatBytes(999), '999 B');
  assert.equal(formatBytes(1023), '1 KiB'.replace('1 ', '1.00 '));
  assert.equal(formatBytes(1.234 * 2 ** 30), '1.23 GiB');
  assert.equal(formatBytes(64 * 2 ** 20), '64 MiB');
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 45 }), (bytes) => {
      assert.match(formatBytes(bytes), /^(\d{1,3}|\d\.\d\d|\d\d\.\d) (B|KiB|MiB|GiB|TiB)$/);
    }),
  );
});

test('times are shown in milliseconds up to a second', () => {
  assert.equal(formatDuration(12.34), '12.3 ms');
  assert.equal(formatDuration(345.6), '346 ms');
  assert.equal(formatDuration(1234), '1.23 s');
});
