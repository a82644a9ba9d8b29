import type { MonitorExchange, Scenario } from '../exchange.js';

/** UTF-8 and what looks like it. */
const sequences: readonly (readonly number[])[] = [
  [0x7f],
  [0xc2, 0x85],
  [0xc3, 0xa9],
  [0xe2, 0x82, 0xac],
  [0xf0, 0x9f, 0x98, 0x80],
  [0xef, 0xbb, 0xbf],
  [0xf4, 0x8f, 0xbf, 0xbd],
  // Longer than need be.
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x80, 0x80],
  [0xe0, 0x9f, 0xbf],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf8, 0x88, 0x80, 0x80, 0x80],
  [0xfc, 0x84, 0x80, 0x80, 0x80, 0x80],
  // Surrogates, noncharacters, beyond the last character.
  [0xed, 0xa0, 0x80],
  [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80],
  [0xef, 0xb7, 0x8f],
  [0xef, 0xb7, 0x90],
  [0xef, 0xb7, 0xaf],
  [0xef, 0xb7, 0xb0],
  [0xef, 0xbf, 0xbe],
  [0xef, 0xbf, 0xbf],
  [0xf0, 0x9f, 0xbf, 0xbe],
  [0xf4, 0x8f, 0xbf, 0xbe],
  [0xf4, 0x90, 0x80, 0x80],
  // Cut off, or out of nothing.
  [0x80],
  [0xbf, 0xbf],
  [0xc3],
  [0xe2, 0x82],
  [0xf0, 0x9f, 0x98],
  [0xe2, 0x82, 0x62, 0xc3, 0xa9, 0x80],
];

const escapes: readonly string[] = [
  ...['\\u0000', '\\u001f', '\\u007f', '\\u0080', '\\u00ff', '\\uFFFD', '\\u000A', '\\b\\f\\n\\r\\t'],
  ...['\\\\', '\\/', "\\'", '\\"', '\\0', '\\a', '\\v', '\\x41', '\\U0041', '\\%'],
  ...[
    '\\u00',
    '\\u+123',
    '\\u 123',
    '\\u12\\u0041',
    '\\ufffe',
    '\\uFDD0',
    '\\ud83f\\udffe',
    '\\udbff\\udffd',
  ],
  ...['\\uD83D\\uDE00', '\\ud83d', '\\ud83dx', '\\ud83d\\n', '\\ude00\\ud83d', '\\ud83d\\ud83d\\ude00'],
  ...['\\ud83d\\u', '\\ud83d\\u12'],
];

/** Where a string can be in what a client says; each brings one reply. */
const places: readonly (readonly [name: string, before: string, after: string])[] = [
  ['an id', '{"execute": "query-name", "id": "<', '>"}'],
  ['an id in single quotes', "{'execute': 'query-name', 'id': '<", ">'}"],
  ['the name of a command', '{"execute": "<', '>"}'],
  ['the name of a member', '{"execute": "query-name", "<', '>": 1}'],
  ['the value of an enum', '{"execute": "set-action", "arguments": {"reboot": "<', '>"}}'],
  ['the name of a descriptor', '{"execute": "closefd", "arguments": {"fdname": "<', '>"}}'],
];

function exchange(before: string, inside: Uint8Array, after: string): MonitorExchange {
  return { send: Buffer.concat([Buffer.from(before), inside, Buffer.from(after)]) };
}

export const stringScenarios: readonly Scenario[] = places.flatMap(([name, before, after]) => [
  {
    name: `UTF-8 in ${name}`,
    negotiate: 'plain',
    exchanges: sequences.map((bytes) => exchange(before, Uint8Array.from(bytes), after)),
  },
  {
    name: `escapes in ${name}`,
    negotiate: 'plain',
    exchanges: escapes.map((text) => exchange(before, Buffer.from(text), after)),
  },
]);
