import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonDouble, type JsonLimits, JsonReader, type JsonValue, stringify } from '../src/index.js';

/** Everything that a text gives, errors as `!message`. */
function readAll(
  text: string | Uint8Array,
  chunkBytes = Number.POSITIVE_INFINITY,
  limits?: Partial<JsonLimits>,
) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
  const reader = new JsonReader(limits);
  const results: string[] = [];
  const drain = () => {
    for (let message = reader.read(); message !== undefined; message = reader.read()) {
      results.push(
        message.error === undefined
          ? stringify(message.value)
          : `!${message.error.message.replace(/^JSON parse error, /, '')}`,
      );
    }
  };
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    reader.push(bytes.subarray(start, Math.min(bytes.length, start + chunkBytes)));
    drain();
  }
  return results;
}

function readOne(text: string): JsonValue {
  const reader = new JsonReader();
  reader.push(Buffer.from(text));
  const message = reader.read();
  assert(message !== undefined && message.error === undefined, `no value: ${message?.error?.message}`);
  assert.equal(reader.read(), undefined);
  return message.value;
}

const errorCases: readonly (readonly [text: string, ...results: string[]])[] = [
  ['{"a":1,}', '!expecting value'],
  ['{"a":}', '!expecting value'],
  ['{"a"}', '!missing : in object pair'],
  ['{"a" 1}', '!missing : in object pair'],
  ['{1:2}', '!key is not a string in object'],
  ['{1 2}', '!key is not a string in object'],
  ['{[]:2}', '!key is not a string in object'],
  ['{[1,]:2}', '!expecting value'],
  ['{{"a":1}:2}', '!key is not a string in object'],
  ['{"a":1 "b":2}', '!expected separator in dict'],
  ['{"a":1 {}}', '!expected separator in dict'],
  ['{"a":1]', '!expected separator in dict'],
  ['{"a":1,"a":[}]}', '!expecting value', '!expecting value'],
  ['{"a":1,"a":[]}', '!duplicate key'],
  ['[1 2]', '!expected separator in list'],
  ['[1}', '!expected separator in list'],
  ['[1:2]', '!expected separator in list'],
  ['[,]', '!expecting value'],
  ['[}', '!expecting value'],
  ['{]', '!expecting value'],
  [']', '!expecting value'],
  [':', '!expecting value'],
  ['{"a":[1}]', '!expected separator in list'],
  ['{"a" tru}', '!missing : in object pair'],
  ['{"a" "\\x"}', '!missing : in object pair'],
  ['[tru]', "!invalid keyword 'tru'"],
  ['[1 nul]', '!expected separator in list'],
  ['{nul:1}', "!invalid keyword 'nul'"],
  ['[TRUE]', "!stray 'T'", '!expecting value'],
  ['[01]', "!stray '01'", '!expecting value'],
  ['[0e1]', '!expected separator in list'],
  ['[-a]', "!stray '-a'", '!expecting value'],
  ['[1.]', "!stray '1.]'"],
  ['[1e+x]', "!stray '1e+x'", '!expecting value'],
  ['["a\nb"]\n{}', "!stray '\"a\n'", '!expecting value', '{}'],
  ['["\\\n"]\n{}', "!stray '\"\\\n'", '!expecting value', '{}'],
  ['["\\x"]', '!invalid escape sequence in string'],
  ['["\\é"]', '!invalid escape sequence in string'],
  ['["\\u12"]', '!\\u12" is not a valid Unicode character'],
  ['["\\u"]', '!\\u" is not a valid Unicode character'],
  ['["\\u12g4 x"]', '!\\u12g4 is not a valid Unicode character'],
  ['["\\ud800"]', '!\\ud800 is not a valid Unicode character'],
  ['["\\ud800\\u0041"]', '!\\ud800 is not a valid Unicode character'],
  ['["\\udc00"]', '!\\udc00 is not a valid Unicode character'],
  ['["\\uFFFE"]', '!\\uFFFE is not a valid Unicode character'],
  ['["\\uFDD0"]', '!\\uFDD0 is not a valid Unicode character'],
  ['["\\ud83f\\udffe"]', '!\\ud83f\\udffe is not a valid Unicode character'],
  ['@ abc{"a":1}', "!stray '@'", '{"a": 1}'],
  ['@ \t"x" 1 nul\n{"a":1}', "!stray '@'", '{"a": 1}'],
  ['{"a": @ 1, {"b":2}', "!stray '@'", '!expecting value', '{"b": 2}'],
  ['\u0000[]', "!stray ''", '[]'],
  ['%d', "!stray '%'"],
];

test('an error has the text of QEMU, ends its message, and reading goes on after it', () => {
  for (const [text, ...results] of errorCases) {
    assert.deepEqual(readAll(text), results, JSON.stringify(text));
  }
});

test('the way the bytes are cut into chunks changes nothing', () => {
  const texts = [
    ...errorCases.map(([text]) => text),
    '{"execute": "é \\ud83d\\ude00 \\u0000", \'it\\\'s\': [1, -2, 0, 1.5e-3, 18446744073709551615, true]}\r\n{}',
    '{"a": "x"}{"b": [null, false]} 12 "s" nullnull [1]2[3]',
  ];
  for (const text of texts) {
    const whole = readAll(text);
    for (const chunkBytes of [1, 2, 3, 5]) assert.deepEqual(readAll(text, chunkBytes), whole, text);
  }
});

test('any bytes in any chunking give the same results and never a throw', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      "'",
      '\\',
      '"a"',
      ' ',
      '\t',
      '\n',
      '1',
      '0',
      '-',
      '.',
      'e',
    ),
    fc.constantFrom('true', 'null', '"\\u12', '"\\ud800', '\\udc00"', '{"a":', '"x":1', '{}', '[]'),
    fc.uint8Array({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.integer({ min: 1, max: 7 }), (pieces, chunkBytes) => {
      const bytes = Buffer.concat(pieces.map((part) => Buffer.from(part as string)));
      assert.deepEqual(readAll(bytes, chunkBytes), readAll(bytes));
    }),
    { numRuns: 500 },
  );
});

test('integers are exact within i64 and u64, and whatever else keeps its text', () => {
  const cases: readonly (readonly [string, JsonValue])[] = [
    ['[0]', 0],
    ['[-0]', 0],
    ['[9007199254740991]', 9007199254740991],
    ['[-9007199254740991]', -9007199254740991],
    ['[9007199254740992]', 9007199254740992n],
    ['[9007199254740993]', 9007199254740993n],
    ['[-9223372036854775808]', -9223372036854775808n],
    ['[18446744073709551615]', 18446744073709551615n],
    ['[18446744073709551616]', new JsonDouble(18446744073709552000, '18446744073709551616')],
    ['[-9223372036854775809]', new JsonDouble(-(2 ** 63), '-9223372036854775809')],
    ['[1.0]', new JsonDouble(1, '1.0')],
    ['[1e3]', new JsonDouble(1000, '1e3')],
    ['[1E-3]', new JsonDouble(0.001, '1E-3')],
    ['[-0.5]', new JsonDouble(-0.5, '-0.5')],
  ];
  for (const [text, value] of cases) assert.deepEqual(readOne(text), [value], text);
});

test('both kinds of quotes, all escapes and NUL are read', () => {
  assert.equal(readOne(`'a"b\\'c'`), 'a"b\'c');
  assert.equal(readOne(`"a'b"`), "a'b");
  assert.equal(
    readOne('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000\\ud83d\\ude00é😀\x7f"'),
    '"\\/\b\f\n\r\té\0😀é😀\x7f',
  );
  assert.deepEqual(readAll(Buffer.from([0x22, 0xc0, 0x80, 0x22])), ['"\\u0000"']);
});

test('text that is not UTF-8 is refused, and shown with replacement characters where it is stray', () => {
  for (const bytes of [
    [0x80],
    [0xc3],
    [0xc1, 0x81],
    [0xe0, 0x80, 0x80],
    [0xed, 0xa0, 0x80],
    [0xef, 0xbf, 0xbe],
    [0xf5, 0x80, 0x80, 0x80],
    [0xfc, 0x80, 0x80, 0x80, 0x80, 0x80],
  ]) {
    assert.deepEqual(readAll(Buffer.from([0x22, ...bytes, 0x22])), ['!invalid UTF-8 sequence in string']);
  }
  assert.deepEqual(readAll(Buffer.from([0x22, 0xe2, 0x82, 0x41, 0xc3, 0xa9, 0x80, 0x0a])), [
    "!stray '\"\ufffdAé\ufffd\n'",
  ]);
});

test('the byte FF resets the reader whatever came before, with one error', () => {
  for (const before of ['', '{"a": [1, {"b"', '{"a": "unfinished', '{"a": 12', '@ junk']) {
    const results = readAll(
      Buffer.concat([Buffer.from(before), Buffer.from([0xff, 0x0a]), Buffer.from('{"ok":1}')]),
    );
    assert.equal(results.at(-1), '{"ok": 1}', before);
    assert.equal(results.length, before.startsWith('@') ? 3 : 2, before);
  }
});

test('members named like those of Object are members', () => {
  const value = readOne('{"__proto__": 1, "toString": 2, "constructor": 3}');
  assert.deepEqual(Object.entries(value as object), [
    ['__proto__', 1],
    ['toString', 2],
    ['constructor', 3],
  ]);
  assert.deepEqual(readAll('{"__proto__": 1, "__proto__": 2}'), ['!duplicate key']);
});

test('depth beyond the limit is an error, and every bracket that is left over another', () => {
  assert.deepEqual(readAll(`${'['.repeat(1024)}${']'.repeat(1024)}`), [
    `${'['.repeat(1024)}${']'.repeat(1024)}`,
  ]);
  const results = readAll(`${'['.repeat(1025)}${']'.repeat(3)}{}`);
  assert.equal(results[0], '!JSON nesting depth limit exceeded');
  assert.deepEqual(results.slice(1), ['!expecting value', '!expecting value', '!expecting value', '{}']);
  assert.equal(readAll(`${'{"a":'.repeat(512)}${'['.repeat(513)}`)[0], '!JSON nesting depth limit exceeded');
});

test('tokens of a message are limited in number and in size', () => {
  const limits = { tokens: 7, tokenBytes: 40 };
  assert.deepEqual(readAll('[1,2,3]', 1, limits), ['[1, 2, 3]']);
  assert.deepEqual(readAll('[1,2,3,4 {}', 1, limits), ['!JSON token count limit exceeded', '{}']);
  assert.deepEqual(readAll(`["${'x'.repeat(35)}"]{}`, 3, limits), [`["${'x'.repeat(35)}"]`, '{}']);
  // `[` counts one byte, so that the string fits as long as both stay below 40.
  assert.deepEqual(readAll(`["${'x'.repeat(37)}"]{}`, 3, limits), [
    '!JSON token size limit exceeded',
    '!expecting value',
    '{}',
  ]);
  // Integers count by their digits, whether they come whole or byte by byte.
  for (const chunkBytes of [1, 1000]) {
    assert.deepEqual(readAll('[11,22,33,44]', chunkBytes, { tokenBytes: 14 }), ['[11, 22, 33, 44]']);
    assert.equal(
      readAll('[11,22,33,44]', chunkBytes, { tokenBytes: 13 })[0],
      '!JSON token size limit exceeded',
    );
  }
});

test('a token that grows beyond the limit is given up before it ends', () => {
  const limits = { tokenBytes: 40 };
  for (const chunkBytes of [1, 7, 1000]) {
    // The 41st byte is one too many; the rest is read as new tokens.
    assert.deepEqual(readAll(`"${'x'.repeat(40)}abc {}`, chunkBytes, limits), [
      '!JSON token size limit exceeded',
      "!invalid keyword 'abc'",
      '{}',
    ]);
    assert.deepEqual(readAll(`"${'x'.repeat(38)}" {}`, chunkBytes, limits), [
      '!JSON token size limit exceeded',
      '{}',
    ]);
  }
});

test('bytes that were not read survive keep, and reset forgets them', () => {
  const reader = new JsonReader();
  const chunk = Buffer.from('{"a":1}{"b":2}{"c"');
  reader.push(chunk);
  assert.equal(stringify(reader.read()!.value!), '{"a": 1}');
  reader.keep();
  chunk.fill(0);
  assert.equal(stringify(reader.read()!.value!), '{"b": 2}');
  assert.equal(reader.read(), undefined);
  assert(reader.midMessage);
  reader.push(Buffer.from(':3}'));
  assert.equal(stringify(reader.read()!.value!), '{"c": 3}');
  assert(!reader.midMessage);
  reader.push(Buffer.from('{"d'));
  assert.equal(reader.read(), undefined);
  reader.reset();
  reader.push(Buffer.from('[]'));
  assert.deepEqual(reader.read()?.value, []);
});
