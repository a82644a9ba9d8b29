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

/** Disks and dirty bitmaps by their names in the stream: NODE=ALIAS:BITMAP=ALIAS:… */
function mapping(...nodes: readonly string[]): string {
  const pair = (text: string) => text.split('=');
  const list = nodes.map((node) => {
    const [of, ...bitmaps] = node.split(':');
    const [name, alias] = pair(of!);
    return { 'node-name': name, alias, bitmaps: bitmaps.map(pair).map(([name, alias]) => ({ name, alias })) };
  });
  return JSON.stringify(list);
}

const MAPPINGS: readonly string[] = [
  ...['[{}]', '1', '{}', '[1]', '[{"node-name": "a"}]', '[{"node-name": "a", "alias": "b"}]'],
  mapping('a='),
  mapping('a=1b'),
  mapping('a=b/c'),
  mapping('a=b', 'a=c'),
  mapping('a=b', 'c=b'),
  mapping('a=b:m=n:m=o'),
  mapping('a=b:m=n:o=n'),
  mapping('a=b:m=n:o=n', 'a=c'),
  mapping(`a=b${'x'.repeat(255)}`),
  mapping(`${'a'.repeat(32)}=b`),
  mapping(`a=b:m=${'é'.repeat(128)}`),
  mapping(`a=b:${'m'.repeat(1024)}=n`),
  mapping(`${'a'.repeat(31)}=b-._9${'x'.repeat(250)}:${'m'.repeat(1023)}=${'x'.repeat(255)}`),
  mapping('a=b:m=n', 'c=d:m=n'),
  mapping(),
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
  'block-bitmap-mapping': MAPPINGS,
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
