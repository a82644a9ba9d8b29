import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  clientCodec,
  decodeEvent,
  decodeOutput,
  decodeReturn,
  encode,
  encodeArguments,
  encodeEvent,
  encodeReturn,
  OutputMismatch,
} from '../../src/runtime/index.js';
import { protocol } from './protocol.js';

describe('decoding what a server sent', () => {
  test('keeps enum values, members and branches that only a newer server knows', () => {
    const node = { id: 'a', kind: 'quantum', spin: 1, later: { deep: [true] } };
    assert.deepEqual(decodeReturn(protocol, 'list-nodes', [node]), [node]);
    assert.equal(decodeOutput(protocol, 'Color', 'infrared'), 'infrared');
    assert.equal(decodeOutput(protocol, 'NodeRef', true), true);
  });

  test('keeps a member called __proto__ as a member', () => {
    const value = JSON.parse('{"x": 1, "__proto__": {"polluted": true}}');
    const point = decodeOutput(protocol, 'Point', value) as object;
    assert.ok(Object.hasOwn(point, '__proto__'));
    assert.equal('polluted' in point, false);
  });

  test('decodes known members among unknown ones', () => {
    assert.equal(decodeOutput(protocol, 'size', 7), 7n);
    assert.deepEqual(decodeReturn(protocol, 'draw', { x: 1, more: 7 }), { x: 1, more: 7 });
  });

  test('names the place of a value that the types would lie about', () => {
    assert.throws(
      () => decodeReturn(protocol, 'list-nodes', [{ id: 'a', kind: 'file', filename: 5 }]),
      (error) => error instanceof OutputMismatch && error.message === '[0].filename: is not a string',
    );
    assert.throws(() => decodeReturn(protocol, 'draw', {}), {
      name: 'OutputMismatch',
      message: 'x: is missing',
    });
  });

  test('passes on the data of an event that the protocol does not know', () => {
    assert.deepEqual(decodeEvent(protocol, 'NEWER', { a: 1 }), { a: 1 });
    assert.deepEqual(decodeEvent(protocol, 'DRAWN', undefined), {});
    assert.equal(decodeEvent(protocol, 'PING', undefined), undefined);
  });
});

describe('encoding', () => {
  test('writes integers as number where they are safe and as bigint beyond', () => {
    assert.equal(encode(protocol, 'uint64', 5n), 5);
    assert.equal(encode(protocol, 'uint64', 2n ** 64n - 1n), 2n ** 64n - 1n);
    assert.equal(encode(protocol, 'int', 5), 5);
  });

  test('leaves out undefined members and refuses unknown ones', () => {
    assert.deepEqual({ ...(encode(protocol, 'Point', { x: 1, y: undefined }) as object) }, { x: 1 });
    assert.throws(() => encode(protocol, 'Point', { x: 1, z: 1 }), {
      message: 'z: Point has no such member',
    });
  });

  test('a value of the wrong type is a mistake of the program and names its place', () => {
    const cases: [unknown, string][] = [
      [{ points: [{ x: 128 }] }, 'points[0].x: expected an integer of type int8, found 128'],
      [{ points: [{ x: 1.5 }] }, 'points[0].x: expected an integer of type int8, found 1.5'],
      [{ points: [], color: 'blue' }, "color: expected a value of Color, found 'blue'"],
      [{ points: [], scale: Number.NaN }, 'scale: expected a finite number, found NaN'],
      [{ points: [], extra: [Symbol.iterator] }, 'extra[0]: expected a JSON value, found symbol'],
      [{ color: 'red' }, 'points: is missing'],
    ];
    for (const [value, message] of cases) {
      assert.throws(() => encodeArguments(protocol, 'draw', value), { name: 'TypeError', message });
    }
  });

  test('an event leaves out data that would be empty', () => {
    assert.equal(encodeEvent(protocol, 'PING', undefined), undefined);
    assert.equal(encodeEvent(protocol, 'DRAWN', {}), undefined);
    assert.deepEqual({ ...encodeEvent(protocol, 'DRAWN', { note: 'a' }) }, { note: 'a' });
    assert.throws(() => encodeEvent(protocol, 'PING', {}), { message: 'PING carries no data' });
  });

  test('a command that returns nothing answers an empty object', () => {
    assert.deepEqual(Object.keys(encodeReturn(protocol, 'ping', undefined) as object), []);
    assert.equal(decodeReturn(protocol, 'ping', {}), undefined);
  });

  test('what was encoded decodes to the same value', () => {
    const node = {
      id: 'a',
      kind: 'filter',
      file: { id: 'b', kind: 'file', filename: 'f', cache: { direct: true } },
    };
    const encoded = encodeReturn(protocol, 'list-nodes', [node]);
    assert.deepEqual(decodeReturn(protocol, 'list-nodes', encoded), [node]);
  });
});

describe('a client of a server that knows more than its schema', () => {
  const codec = clientCodec(protocol);

  test('sends commands and reads results that the protocol does not know', () => {
    assert.equal(codec.encodeArguments('newer', undefined), undefined);
    assert.deepEqual({ ...codec.encodeArguments('newer', { a: 5n }) }, { a: 5n });
    assert.deepEqual(codec.decodeReturn('newer', { a: 1 }), { a: 1 });
  });

  test('does not send arguments to a command that takes none', () => {
    assert.equal(codec.encodeArguments('ping', undefined), undefined);
    assert.throws(() => codec.encodeArguments('ping', {}), { message: 'ping takes no arguments' });
  });
});
