import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listingOrder } from '../src/qom/listing-order.js';

test('names come in the order of QEMU 7.2', () => {
  const names = ['compat_monitor0', 'quiet', 'mon0', 'mon1', 'mon2'];
  assert.deepEqual(listingOrder(names), ['compat_monitor0', 'mon1', 'quiet', 'mon0', 'mon2']);
  const more = [...names, 'serial0', 'a', 'b', 'c', 'x1', 'x2', 'x3', 'x4'];
  assert.deepEqual(
    listingOrder(more).join(' '),
    'serial0 b a x4 compat_monitor0 x3 mon2 x2 mon1 x1 mon0 quiet c',
  );
});

test('every name comes once', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string(), { maxLength: 300 }), (names) => {
      assert.deepEqual(listingOrder(names).sort(), [...names].sort());
    }),
  );
});
