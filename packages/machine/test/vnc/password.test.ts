import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encryptDes, Password, responseTo } from '../../src/vnc/password.js';

/** Known answers of NIST SP 800-17: key, plaintext, ciphertext. */
const DES: readonly (readonly [string, string, string])[] = [
  ['0101010101010101', '95f8a5e5dd31d900', '8000000000000000'],
  ['0101010101010101', 'dd7f121ca5015619', '4000000000000000'],
  ['8001010101010101', '0000000000000000', '95a8d72813daa94d'],
  ['4001010101010101', '0000000000000000', '0eec1487dd8c26d5'],
  ['7ca110454a1a6e57', '01a1d6d039776742', '690f5b0d9a26939b'],
  ['0131d9619dc1376e', '5cd54ca83def57da', '7a389d10354bd271'],
];

test('DES gives the known answers', () => {
  for (const [key, plain, cipher] of DES) {
    const result = encryptDes(Buffer.from(plain, 'hex'), Buffer.from(key, 'hex'));
    assert.equal(Buffer.from(result).toString('hex'), cipher);
  }
});

test('the response is the challenge under the mirrored password, of which eight bytes count', () => {
  const challenge = Buffer.from('95f8a5e5dd31d900dd7f121ca5015619', 'hex');
  // 0x80 mirrored is 0x01: the key of the first answers.
  const password = Buffer.alloc(8, 0x80).toString('latin1');
  const key = Buffer.from(password).subarray(0, 8);
  const mirrored = key.map((byte) =>
    Number.parseInt(byte.toString(2).padStart(8, '0').split('').reverse().join(''), 2),
  );
  assert.deepEqual(responseTo(challenge, password), encryptDes(challenge, mirrored));
  assert.deepEqual(responseTo(challenge, 'longer than eight'), responseTo(challenge, 'longer t'));
  assert.notDeepEqual(responseTo(challenge, 'secret'), responseTo(challenge, 'Secret'));
});

test('a password opens from when it is set until it expires', () => {
  const challenge = Buffer.alloc(16, 7);
  const password = new Password();
  const opens = (text: string, now: number) => password.accepts(challenge, responseTo(challenge, text), now);
  assert.equal(opens('', 0), false);
  password.set('secret');
  assert.deepEqual([opens('secret', 100), opens('wrong', 100), opens('', 100)], [true, false, false]);
  password.expireAt(100);
  assert.deepEqual([opens('secret', 100), opens('secret', 101)], [true, false]);
  password.set('other');
  assert.equal(opens('other', 101), false);
  password.expireAt(Number.POSITIVE_INFINITY);
  assert.equal(opens('other', 101), true);
});
