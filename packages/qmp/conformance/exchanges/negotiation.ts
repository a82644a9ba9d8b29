import { command, type Scenario } from '../exchange.js';

const enable = (value: string) => command('qmp_capabilities', `{"enable": ${value}}`);

export const negotiationScenarios: readonly Scenario[] = [
  {
    name: 'what is refused before the negotiation',
    negotiate: 'none',
    exchanges: [
      { send: command('query-name') },
      { send: command('nonsense') },
      { send: command('query-name', '{"x": 1}', ', "id": 1') },
      { send: '{"exec-oob": "query-yank"}' },
      { send: '{"execute": 1}' },
      { send: '{"execute"}' },
      { send: '[]' },
      { send: command('stop') },
    ],
  },
  {
    name: 'arguments of qmp_capabilities',
    negotiate: 'none',
    exchanges: [
      { send: enable('1') },
      { send: enable('null') },
      { send: enable('{}') },
      { send: enable('[1]') },
      { send: enable('["oob", {}]') },
      { send: enable('["foo"]') },
      { send: enable('["oob", "foo"]') },
      { send: command('qmp_capabilities', '{"enable": ["oob"], "x": 1}') },
      { send: command('qmp_capabilities', '{"foo": 1}') },
      { send: enable('["oob", "oob"]') },
      { send: '{"exec-oob": "query-yank", "id": 1}' },
      { send: enable('1') },
      { send: command('qmp_capabilities') },
      { send: enable('["oob"]') },
      { send: command('query-name') },
    ],
  },
  {
    name: 'an empty list enables nothing',
    negotiate: 'none',
    exchanges: [
      { send: enable('[]') },
      { send: '{"exec-oob": "query-yank", "id": 1}' },
      { send: command('query-name') },
    ],
  },
  {
    name: 'negotiation and commands in one piece',
    negotiate: 'none',
    exchanges: [
      { send: `${command('qmp_capabilities')}${command('query-name')}${command('nonsense')}`, replies: 3 },
    ],
  },
  {
    name: 'a reconnect begins anew',
    negotiate: 'oob',
    exchanges: [
      { send: '{"execute": "half of a', replies: 0 },
      { send: command('query-name'), reconnect: true, replies: 2 },
      { send: command('qmp_capabilities') },
      { send: '{"exec-oob": "query-yank"}' },
      { send: command('query-name') },
    ],
  },
];
