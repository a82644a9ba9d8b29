import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unexpectedMember } from '../../src/runtime/unexpected-member.js';

test('of several unexpected members the one is named that QEMU meets first', () => {
  const nothing = () => false;
  assert.equal(unexpectedMember(['fdset-id', 'fd'], nothing), 'fd');
  assert.equal(unexpectedMember(['fd', 'fdset-id'], nothing), 'fd');
  assert.equal(
    unexpectedMember(['fd', 'fdset-id'], (name) => name === 'fd'),
    'fdset-id',
  );
  assert.equal(unexpectedMember([], nothing), undefined);
  const many = Array.from({ length: 20 }, (_, index) => `member-${index}`);
  assert.equal(unexpectedMember(many, nothing), 'member-0');
});
