import { command, type Scenario } from '../exchange.js';

const envelopes: readonly string[] = [
  '{}',
  '{"id": 1}',
  '{"id": null}',
  '{"arguments": {}}',
  '{"arguments": 1, "foo": "b"}',
  '{"arguments": 1, "execute": 3}',
  '{"execute": 1}',
  '{"execute": null, "id": 2}',
  '{"execute": "query-name", "arguments": null}',
  '{"execute": "query-name", "arguments": []}',
  '{"execute": "query-name", "control": null}',
  '{"execute": "a", "foo": "b", "bar": 1, "baz": 2}',
  '{"execute": "a", "one": 1, "two": 2, "three": 3, "four": 4, "five": 5}',
  '{"execute": "a", "alpha": 1, "beta": 2, "gamma": 3, "id": 4}',
  '{"execute": "a", "exec-oob": "b"}',
  '{"exec-oob": "a", "foo": "b"}',
  '{"execute": 1, "exec-oob": 2, "arguments": 3, "foo": 4, "id": 5}',
  '{"exec-oob": "query-name"}',
  '{"exec-oob": "nonsense", "id": 6}',
  '{"exec-oob": 7}',
  '{"execute": "nonsense"}',
  '{"execute": ""}',
  '{"execute": "que\\nry"}',
  '{"execute": "QUERY-NAME"}',
  '{"execute": "query_name"}',
  '{"execute": "query-name", "arguments": {"x": 1}}',
  '{"execute": "query-name"}{"execute": "query-name"}',
];

const ids: readonly string[] = [
  '0',
  '-1',
  '9007199254740993',
  '18446744073709551615',
  '-9223372036854775808',
  '18446744073709551616',
  '1.0',
  '1.50',
  '-0.0',
  '1e3',
  '1e17',
  '1e-5',
  '0.1',
  'null',
  'true',
  '"x"',
  '"\\u0000é😀\\u007f\\"\\\\\\/\\b\\f\\n\\r\\t"',
  "'single \"quoted\" \\''",
  '[]',
  '{}',
  '[1, [2, [3, {"a": {"b": null}}]]]',
  '{"execute": "query-name"}',
];

export const envelopeScenarios: readonly Scenario[] = [
  {
    name: 'envelopes that are wrong, with out-of-band execution',
    negotiate: 'oob',
    exchanges: envelopes.map((send) => ({ send, replies: send.includes('}{') ? 2 : 1, unordered: true })),
  },
  {
    name: 'envelopes that are wrong, without out-of-band execution',
    negotiate: 'plain',
    exchanges: envelopes.map((send) => ({ send, replies: send.includes('}{') ? 2 : 1 })),
  },
  {
    name: 'ids of any type come back on replies and errors',
    negotiate: 'plain',
    exchanges: ids.flatMap((id) => [
      { send: command('query-name', undefined, `, "id": ${id}`) },
      { send: command('nonsense', undefined, `, "id": ${id}`) },
    ]),
  },
  {
    name: 'an id beyond the range of doubles',
    negotiate: 'plain',
    exchanges: [{ send: command('query-name', undefined, ', "id": 1e999') }],
  },
  {
    name: 'requests that are cut into pieces, and requests without anything between them',
    negotiate: 'plain',
    exchanges: [
      { send: command('query-name', '{}', ', "id": 1'), chunk: 1 },
      { send: command('query-name', '{}', ', "id": "é😀"'), chunk: 1 },
      { send: command('query-name', '{}', ', "id": 12345678901234567890'), chunk: 7 },
      {
        send: Array.from({ length: 40 }, (_, id) => command('query-name', undefined, `, "id": ${id}`)).join(
          '',
        ),
        replies: 40,
      },
      { send: `\r\n\t ${command('query-name')} \r\n`, replies: 1 },
      { send: "{'execute': 'query-name', 'id': 'it\\'s'}" },
    ],
  },
];
