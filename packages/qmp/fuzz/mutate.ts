import type { Random } from './random.js';

const seeds: readonly Buffer[] = [
  '{"execute": "qmp_capabilities"}',
  '{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}',
  '{"execute": "query-name", "id": 1}',
  '{"execute": "echo", "arguments": {"a": [1, -2.5e3, null, true, "\\u00e9\\ud83d\\ude00"], "b": {}}, "id": {"x": [18446744073709551615]}}',
  "{'execute': 'stop', 'id': 'it\\'s é😀'}",
  '{"exec-oob": "urgent", "id": "now"}',
  '{"execute": "fail"}{"execute": "stop"}',
  '[[[[{"a": [{"b": "c"}]}]]]]',
  '{"execute": "take", "arguments": {}, "extra": 9007199254740993}',
].map((text) => Buffer.from(text));

/** Pieces that matter to a lexer or a parser. */
const pieces: readonly Buffer[] = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    "'",
    '\\',
    '\\u',
    '\\ud800',
    '\\u12',
    '0',
    '-',
    '01',
    '1.',
    '1e',
    '1e999',
    '\n',
    '\t',
  ],
  ...['true', 'nul', 'NaN', '"execute"', '"id": ', '"arguments": {', '99999999999999999999', '"\\x"', '%s'],
]
  .map((text) => Buffer.from(text))
  .concat(
    [
      [0x00],
      [0x1f],
      [0x7f],
      [0x80],
      [0xc0, 0x80],
      [0xed, 0xa0, 0x80],
      [0xef, 0xbf, 0xbf],
      [0xfe],
      [0xff],
    ].map((bytes) => Buffer.from(bytes)),
  );

/** A message that began as a correct one. */
export function mutate(random: Random): Buffer {
  let bytes = random.pick(seeds);
  for (let count = random.below(5); count > 0; count--) bytes = mutateOnce(bytes, random);
  return bytes;
}

function mutateOnce(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1);
  const to = Math.min(bytes.length, at + random.below(8));
  switch (random.below(6)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), random.pick(pieces), bytes.subarray(at)]);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, at), random.pick(seeds).subarray(to)]);
    case 4: {
      const copy = Buffer.from(bytes);
      if (at < copy.length) copy[at] = random.below(256);
      return copy;
    }
    default:
      return bytes.subarray(0, at);
  }
}
