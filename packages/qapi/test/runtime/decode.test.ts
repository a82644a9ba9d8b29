import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  decode,
  decodeArguments,
  type InputPolicy,
  type JsonValue,
  QapiError,
} from '../../src/runtime/index.js';
import { protocol } from './protocol.js';

class Double {
  readonly value: number;
  readonly text: string | undefined;
  constructor(value: number, text?: string) {
    this.value = value;
    this.text = text;
  }
}

const double = (text: string) => new Double(Number(text), text);

function refused(command: string, args: JsonValue | undefined, message: string, policy?: InputPolicy): void {
  assert.throws(
    () => decodeArguments(protocol, command, args, policy),
    (error) => {
      assert.ok(error instanceof QapiError);
      assert.equal(error.message, message);
      assert.equal(error.errorClass, 'GenericError');
      return true;
    },
  );
}

describe('decoding what a client sent', () => {
  test('gives typed values: bigint for 64 bits, number below, optional members left out', () => {
    const args = { points: [{ x: -5, y: 4294967295 }], size: 5, offset: -(2n ** 63n), scale: double('1.5') };
    assert.deepEqual(decodeArguments(protocol, 'draw', args), {
      points: [{ x: -5, y: 4294967295 }],
      size: 5n,
      offset: -(2n ** 63n),
      scale: 1.5,
    });
  });

  test('names a missing parameter by its full path', () => {
    refused('draw', undefined, "Parameter 'points' is missing");
    refused('draw', { points: [{ x: 1 }, {}] }, "Parameter 'points[1].x' is missing");
  });

  test('finds errors in base members, own members and the branch before unexpected ones', () => {
    refused('add-node', { bogus: 1 }, "Parameter 'id' is missing");
    refused('add-node', { bogus: 1, id: 'a', kind: 'file' }, "Parameter 'filename' is missing");
    refused('add-node', { bogus: 1, id: 'a', kind: 'empty' }, "Parameter 'bogus' is unexpected");
    const nested = { id: 'a', kind: 'file', filename: 'f', cache: { direct: true, no: 1 } };
    refused('add-node', nested, "Parameter 'cache.no' is unexpected");
  });

  test('refuses a member of another branch', () => {
    refused('add-node', { id: 'a', kind: 'empty', filename: 'f' }, "Parameter 'filename' is unexpected");
  });

  test('says which kind was expected, with the full path', () => {
    const cases: [JsonValue, string, string][] = [
      ['x', 'points', 'array'],
      [[1], 'points[0]', 'object'],
      [[{ x: 'a' }], 'points[0].x', 'integer'],
      [[{ x: 1, label: 2 }], 'points[0].label', 'string'],
    ];
    for (const [points, path, expected] of cases) {
      refused('draw', { points }, `Invalid parameter type for '${path}', expected: ${expected}`);
    }
    refused('draw', { points: [], scale: 'a' }, "Invalid parameter type for 'scale', expected: number");
    refused('draw', { points: [], nothing: 0 }, "Invalid parameter type for 'nothing', expected: null");
    refused('draw', { points: [], color: 1 }, "Invalid parameter type for 'color', expected: string");
    const cache = { id: 'a', kind: 'file', filename: 'f', cache: { direct: 1 } };
    refused('add-node', cache, "Invalid parameter type for 'cache.direct', expected: boolean");
  });

  test('takes integers only in the form of integers', () => {
    for (const offset of [double('1.5'), double('1e3'), double('99999999999999999999'), 2n ** 63n]) {
      refused('draw', { points: [], offset }, "Invalid parameter type for 'offset', expected: integer");
    }
  });

  test('an unsigned 64-bit integer takes negative values within int64 and wraps them', () => {
    const decoded = (size: JsonValue) => decode(protocol, 'size', size);
    assert.equal(decoded(-1), 2n ** 64n - 1n);
    assert.equal(decoded(2n ** 64n - 1n), 2n ** 64n - 1n);
    for (const size of [double('1.0'), 'a', null, double('-9223372036854775809')]) {
      refused('draw', { points: [], size }, "Parameter 'size' expects uint64");
    }
  });

  test('a small integer out of range is named locally, by its C type', () => {
    refused('draw', { points: [{ x: 128 }] }, "Parameter 'x' expects int8_t");
    refused('draw', { points: [{ x: 0, y: -1 }] }, "Parameter 'y' expects uint32_t");
    refused('draw', { points: [{ x: 0, y: double('1.5') }] }, "Parameter 'points[0].y' expects uint64");
  });

  test('an unknown enum value is named locally, and null inside arrays', () => {
    refused('draw', { points: [], color: 'blue' }, "Parameter 'color' does not accept value 'blue'");
    refused('draw', { points: [], colors: [['blue']] }, "Parameter 'null' does not accept value 'blue'");
    refused(
      'draw',
      { points: [], colors: [[], [7]] },
      "Invalid parameter type for 'colors[1][0]', expected: string",
    );
  });

  test('an alternate chooses by kind and names itself when nothing fits', () => {
    const filter = (file: JsonValue) => ({ id: 'a', kind: 'filter', file });
    assert.deepEqual(decodeArguments(protocol, 'add-node', filter(null)), filter(null));
    assert.deepEqual(decodeArguments(protocol, 'add-node', filter('b')), filter('b'));
    refused('add-node', filter(7), "Invalid parameter type for 'file', expected: NodeRef");
    refused('add-node', filter({ id: 'b' }), "Parameter 'file.kind' is missing");
    refused('draw', { points: [], limits: [5, true] }, "Invalid parameter type for 'null', expected: Limit");
    refused('draw', { points: [], limit: 'blue' }, "Parameter 'limit' does not accept value 'blue'");
    refused(
      'draw',
      { points: [], limit: double('1.5') },
      "Invalid parameter type for 'limit', expected: integer",
    );
  });

  test('takes nothing from prototypes', () => {
    refused('draw', JSON.parse('{"points": [], "__proto__": {}}'), "Parameter '__proto__' is unexpected");
    refused(
      'draw',
      { points: [], color: 'constructor' },
      "Parameter 'color' does not accept value 'constructor'",
    );
    assert.throws(() => decodeArguments(protocol, 'constructor', {}), {
      errorClass: 'CommandNotFound',
      message: 'The command constructor has not been found',
    });
  });

  test('tells an object with the members of a double from a double', () => {
    assert.throws(() => decode(protocol, 'number', { value: 1, text: '1' }), QapiError);
    const bare = Object.assign(Object.create(null), { value: 1, text: '1' }) as JsonValue;
    assert.throws(() => decode(protocol, 'number', bare), QapiError);
  });

  test('a command without arguments refuses any', () => {
    assert.equal(decodeArguments(protocol, 'ping', undefined), undefined);
    assert.equal(decodeArguments(protocol, 'ping', {}), undefined);
    refused('ping', { a: 1 }, "Parameter 'a' is unexpected");
    refused('ping', null, "QMP input member 'arguments' must be an object");
  });

  test('a policy refuses what is deprecated or unstable', () => {
    const strict: InputPolicy = { deprecatedInput: 'reject', unstableInput: 'reject' };
    refused(
      'draw',
      { points: [{ x: 1, label: 'a' }] },
      'Deprecated parameter label disabled by policy',
      strict,
    );
    refused(
      'draw',
      { points: [], color: 'ultraviolet' },
      'Unstable value ultraviolet disabled by policy',
      strict,
    );
    assert.throws(() => decodeArguments(protocol, 'old', {}, strict), {
      errorClass: 'CommandNotFound',
      message: 'Deprecated command old disabled by policy',
    });
    assert.equal(decodeArguments(protocol, 'old', {}), undefined);
  });
});
