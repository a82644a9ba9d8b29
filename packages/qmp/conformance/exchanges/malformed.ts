import type { Exchange, Scenario } from '../exchange.js';

/** Bytes that are wrong, with the number of messages that they bring. */
const malformed: readonly (readonly [bytes: string | number[], replies: number])[] = [
  ['{"a":1,}', 1],
  ['{"a":}', 1],
  ['{"a"}', 1],
  ['{"a" 1}', 1],
  ['{1:2}', 1],
  ['{1 2}', 1],
  ['{[]:2}', 1],
  ['{[1,]:2}', 1],
  ['{{"a":1}:2}', 1],
  ['{"a":1 "b":2}', 1],
  ['{"a":1 {}}', 1],
  ['{"a":1]', 1],
  ['{"a":1,"a":[]}', 1],
  ['{"execute":"query-name","execute":"query-name"}', 1],
  ['[1 2]', 1],
  ['[1}', 1],
  ['[1:2]', 1],
  ['[,]', 1],
  ['[}', 1],
  ['{]', 1],
  [']', 1],
  ['}', 1],
  [':', 1],
  [',', 1],
  ['{"a":[1}]', 1],
  ['{"a" tru}', 1],
  ['{"a" "\\x"}', 1],
  ['[tru]', 1],
  ['[1 nul]', 1],
  ['{nul:1}', 1],
  ['[TRUE]', 2],
  ['[01]', 2],
  ['[0e1]', 1],
  ['[-a]', 2],
  ['[1.]\n', 1],
  ['[1e+x]', 2],
  ['[+1]', 2],
  ['[.5]', 2],
  ['["a\nb"]\n', 2],
  ['["\\\n"]\n', 2],
  ['["\\x"]', 1],
  ['["\\é"]', 1],
  ['["\\u12"]', 1],
  ['["\\u"]', 1],
  ['["\\u12g4 x"]', 1],
  ['["\\ud800"]', 1],
  ['["\\ud800\\u0041"]', 1],
  ['["\\udc00"]', 1],
  ['["\\uFFFE"]', 1],
  ['["\\uFDD0"]', 1],
  ['["\\ud83f\\udffe"]', 1],
  ['@ abc\n', 1],
  ['@ \t"x" 1 nul\n', 1],
  ['{"a": @ 1, {}', 3],
  ['%d\n', 1],
  ['\u007f\n', 1],
  ['é\n', 1],
  [[0x00, 0x0a], 1],
  [[0xff], 1],
  [[0xff, 0xff, 0x0a], 2],
  [[0xfe, 0x0a], 1],
  [[0x22, 0x80, 0x22], 1],
  [[0x22, 0xc3, 0x22], 1],
  [[0x22, 0xc1, 0x81, 0x22], 1],
  [[0x22, 0xe0, 0x80, 0x80, 0x22], 1],
  [[0x22, 0xed, 0xa0, 0x80, 0x22], 1],
  [[0x22, 0xef, 0xbf, 0xbe, 0x22], 1],
  [[0x22, 0xf5, 0x80, 0x80, 0x80, 0x22], 1],
  [[0x22, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x80, 0x22], 1],
  [[0x22, 0xe2, 0x82, 0x41, 0xc3, 0xa9, 0x80, 0x0a, 0x0a], 1],
  [[0x22, 0x61, 0x1f, 0x0a], 1],
];

/** Correct, but not what a request is. */
const noRequest: readonly string[] = [
  '"a"',
  "'single'",
  '[]',
  '[1, 2.5, {"a": null}]',
  'true ',
  '12 ',
  '-0 ',
  '1e5 ',
  'null ',
];

function bytesOf(bytes: string | number[]): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes) : Uint8Array.from(bytes);
}

const deep = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));

function scenario(name: string, chunk?: number): Scenario {
  const exchanges = malformed.map(([bytes, replies]): Exchange => {
    const exchange = { send: bytesOf(bytes), replies };
    return chunk === undefined ? exchange : { ...exchange, chunk };
  });
  return { name, negotiate: 'plain', exchanges };
}

export const malformedScenarios: readonly Scenario[] = [
  scenario('malformed input'),
  scenario('malformed input, a byte at a time', 1),
  scenario('malformed input, three bytes at a time', 3),
  {
    name: 'input that is JSON but no request',
    negotiate: 'oob',
    exchanges: noRequest.map((send) => ({ send })),
  },
  {
    name: 'a reset by FF out of anything',
    negotiate: 'plain',
    exchanges: ['{"a": [1, {"b"', '{"a": "unfinished', '{"a": 12', '{"execute": '].map((before) => ({
      send: Buffer.concat([
        Buffer.from(before),
        Uint8Array.of(0xff, 0x0a),
        Buffer.from('{"execute": "query-name"}'),
      ]),
      replies: 2,
    })),
  },
  {
    name: 'limits of depth',
    negotiate: 'plain',
    exchanges: [
      { send: deep(1024) },
      { send: deep(1025), replies: 1026 },
      // What follows the brace that was too many is read as messages of its own.
      { send: '{"a":'.repeat(1025), replies: 3 },
      { send: '{"execute": "query-name"}' },
    ],
  },
];
