import { command, type Scenario } from '../exchange.js';

export const outOfBandScenarios: readonly Scenario[] = [
  {
    name: 'out-of-band commands, alone and among others',
    negotiate: 'oob',
    exchanges: [
      { send: '{"exec-oob": "migrate-pause", "id": 1}' },
      { send: '{"exec-oob": "migrate-recover", "arguments": {"uri": "x"}, "id": 2}' },
      { send: '{"exec-oob": "migrate-recover", "id": 3}' },
      { send: '{"exec-oob": "yank", "arguments": {"instances": [{"type": "migration"}]}, "id": 4}' },
      { send: '{"exec-oob": "stop", "id": 5}' },
      { send: '{"exec-oob": "qmp_capabilities", "id": 6}' },
      { send: command('migrate-pause', undefined, ', "id": 7') },
      {
        send: `${command('query-name', undefined, ', "id": "a"')}{"exec-oob": "migrate-pause", "id": "b"}`,
        replies: 2,
        unordered: true,
      },
      {
        send: Array.from({ length: 20 }, (_, id) => command('query-name', undefined, `, "id": ${id}`)).join(
          '',
        ),
        replies: 20,
      },
      {
        send: Array.from({ length: 20 }, (_, id) => `{"exec-oob": "migrate-pause", "id": ${id}}`).join('\n'),
        replies: 20,
      },
      { send: '{"exec-oob": "migrate-pause", "arguments": 1, "id": 8}' },
      { send: '{"exec-oob": "migrate-pause", "arguments": {"x": 1}, "id": 9}' },
      { send: '{"a" 1}{"exec-oob": "migrate-pause", "id": 10}', replies: 2, unordered: true },
    ],
  },
];
