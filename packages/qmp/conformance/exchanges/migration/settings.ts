import { command, type Exchange, type Scenario } from '../../exchange.js';

const COUNTS = [
  '-1',
  '0',
  '1',
  '9',
  '10',
  '19',
  '20',
  '99',
  '100',
  '101',
  '255',
  '256',
  '1.5',
  '"1"',
  'null',
  'true',
];
const SIZES = [
  '-1',
  '0',
  '4095',
  '4096',
  '5000',
  '9223372036854775808',
  '18446744073709551615',
  '18446744073709551616',
];

/** What each parameter is set to, one value after the other. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'announce-initial': ['0', '100000', '100001', '-1'],
  'announce-max': ['0', '100000', '100001'],
  'announce-rounds': ['0', '1000', '1001'],
  'announce-step': ['0', '1', '10000', '10001'],
  'throttle-trigger-threshold': COUNTS,
  'cpu-throttle-initial': COUNTS,
  'cpu-throttle-increment': COUNTS,
  'max-cpu-throttle': COUNTS,
  'cpu-throttle-tailslow': ['true', 'false', '0', '"on"'],
  'tls-creds': ['"x"', '""', 'null', '1'],
  'tls-hostname': ['"x"', '""', 'null', '[]'],
  'tls-authz': ['"x"', '""', 'null', '{}'],
  'max-bandwidth': SIZES,
  'max-postcopy-bandwidth': SIZES,
  'xbzrle-cache-size': SIZES,
  'downtime-limit': ['0', '2000000', '2000001', '18446744073709551615'],
  'x-checkpoint-delay': ['0', '4294967295', '4294967296', '-1'],
  'multifd-channels': COUNTS,
  'multifd-compression': ['"none"', '"foo"', '1'],
  'block-bitmap-mapping': ['[{}]', '1', '{}'],
  nothing: ['1'],
};

const set = (members: string): Exchange => ({ send: command('migrate-set-parameters', `{${members}}`) });

/** Several at once: which of them is complained about, and that none is taken. */
const REFUSED_TOGETHER = [
  '"cpu-throttle-initial": 60, "max-cpu-throttle": 50',
  '"max-cpu-throttle": 50, "cpu-throttle-initial": 60, "multifd-channels": 0',
  '"multifd-channels": 0, "announce-step": 0',
  '"announce-step": 0, "cpu-throttle-increment": 0',
  '"downtime-limit": 2000001, "xbzrle-cache-size": 3',
  '"max-bandwidth": 1, "nothing": 1',
  '"max-bandwidth": 1, "max-bandwidth": 2',
];

const capabilities = (list: string): Exchange => ({
  send: command('migrate-set-capabilities', `{"capabilities": ${list}}`),
});

const one = (capability: string, state: string): string =>
  `{"capability": ${JSON.stringify(capability)}, "state": ${state}}`;

const LISTS: readonly string[] = [
  ...['[]', '{}', '1', '[1]', '[{}]', '[[]]', 'null', '"events"'],
  ...['[{"capability": "events"}]', '[{"state": true}]', `[${one('events', '1')}]`, `[${one('', 'true')}]`],
  '[{"capability": 1, "state": true}]',
  '[{"capability": "events", "state": true, "more": 1}]',
  `[${one('events', 'true')}, ${one('nothing', 'true')}]`,
  `[${one('events', 'true')}, ${one('events', 'false')}]`,
  `[${one('auto-converge', 'true')}, ${one('return-path', 'true')}, ${one('multifd', 'true')}]`,
  `[${one('auto-converge', 'false')}, ${one('return-path', 'false')}, ${one('multifd', 'false')}]`,
];

export const settingScenarios: readonly Scenario[] = [
  {
    name: 'parameters of migrations, good and bad',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      { send: command('migrate-set-parameters') },
      ...Object.entries(VALUES).flatMap(([name, values]) =>
        values.map((value) => set(`"${name}": ${value}`)),
      ),
      ...REFUSED_TOGETHER.map(set),
    ],
  },
  {
    name: 'capabilities of migrations, good and bad',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      { send: command('migrate-set-capabilities') },
      ...LISTS.map(capabilities),
      { send: command('migrate-set-capabilities', '{"capabilities": [], "more": 1}') },
    ],
  },
];
