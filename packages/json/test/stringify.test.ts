import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonDouble, JsonError, type JsonValue, parse, stringify } from '../src/index.js';

test('separators are those of QEMU or compact, and pretty text is indented by four', () => {
  const value: JsonValue = { return: { a: [1, true, null], b: {}, c: [] }, id: 'x' };
  assert.equal(stringify(value), '{"return": {"a": [1, true, null], "b": {}, "c": []}, "id": "x"}');
  assert.equal(stringify(value, { compact: true }), '{"return":{"a":[1,true,null],"b":{},"c":[]},"id":"x"}');
  assert.equal(
    stringify(value, { pretty: true }),
    `{
    "return": {
        "a": [
            1,
            true,
            null
        ],
        "b": {
        },
        "c": [
        ]
    },
    "id": "x"
}`,
  );
});

test('output is ASCII, with upper-case escapes and DEL escaped', () => {
  assert.equal(
    stringify('"\\/\b\f\n\r\t\0\x1f\x7fé€😀'),
    '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001F\\u007F\\u00E9\\u20AC\\uD83D\\uDE00"',
  );
  assert.equal(stringify('a\ud800b\udc00'), '"a\\uFFFDb\\uFFFD"');
});

test('doubles keep their text, or are written as printf does', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['1.0', '1'],
    ['0.1', '0.10000000000000001'],
    ['-2.50', '-2.5'],
    ['1e3', '1000'],
    ['1e16', '10000000000000000'],
    ['1e17', '1e+17'],
    ['1.5e300', '1.5000000000000001e+300'],
    ['1e-4', '0.0001'],
    ['1e-5', '1.0000000000000001e-05'],
    ['123456.789', '123456.789'],
    ['-0.0', '-0'],
    ['0.00012345', '0.00012344999999999999'],
    ['18446744073709551616', '1.8446744073709552e+19'],
    ['1e999', '1e999'],
  ];
  for (const [text, printed] of cases) {
    const value = parse(text);
    assert.equal(stringify(value), text);
    assert.equal(stringify(value, { doubles: 'printf' }), printed);
  }
  assert.equal(stringify(new JsonDouble(8)), '8.0');
  assert.equal(stringify(0.1), '0.1');
  assert.throws(() => stringify(Number.NaN), TypeError);
});

test('what is written reads back as it was, 64-bit integers and odd member names included', () => {
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
      fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
      fc.string({ unit: 'grapheme' }),
      fc.array(tie('value') as fc.Arbitrary<JsonValue>, { maxLength: 4 }),
      fc
        .dictionary(fc.string(), tie('value') as fc.Arbitrary<JsonValue>, {
          maxKeys: 4,
          noNullPrototype: false,
        })
        .map((members) => Object.assign(Object.create(null), members) as JsonValue),
    ) as fc.Arbitrary<JsonValue>,
  }));
  fc.assert(
    fc.property(value, fc.boolean(), fc.boolean(), (original, pretty, compact) => {
      const text = stringify(original, { pretty, compact });
      assert.match(text, /^[\x20-\x7e\n]*$/);
      assert.deepEqual(parse(text), original);
    }),
    { numRuns: 300 },
  );
});

test('parse takes exactly one value', () => {
  assert.equal(parse('12'), 12);
  assert.equal(parse(' "x" '), 'x');
  assert.equal(parse('null'), null);
  for (const [text, message] of [
    ['', 'Expecting a JSON value'],
    ['1 2', 'Expecting at most one JSON value'],
    ['[1', 'JSON parse error, premature EOI'],
    ['{"a": [1, 12', 'JSON parse error, premature EOI'],
    ['"abc', "JSON parse error, stray '\"abc'"],
    ['nul', "JSON parse error, invalid keyword 'nul'"],
    ['{} @', "JSON parse error, stray '@'"],
  ] as const) {
    assert.throws(() => parse(text), new JsonError(message), text);
  }
});
