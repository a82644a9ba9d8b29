import { command, type Exchange, type Scenario } from '../../exchange.js';

/** What cannot be understood, and is told in the reply. */
const MALFORMED: readonly string[] = [
  ...['', 'foo', 'foo:bar', 'TCP:1:2', ' tcp:1:2', 'tcp', 'unix', 'exec', 'x:', 'unix:'],
  ...['tcp:', 'tcp:1.2.3.4', 'tcp:1.2.3.4:', 'tcp::', 'tcp:[::1]', 'tcp:[::1]:', 'tcp:[::1', 'tcp:[]:1'],
  ...['tcp:localhost:1,to=', 'tcp:localhost:1,to=x', 'tcp:localhost:1,to=3x', 'tcp:localhost:1,ipv4=x'],
  ...['tcp:localhost:1,ipv6=on,,x', 'tcp:localhost:1,ipv4on', 'tcp:localhost:1,x,ipv6=of'],
  ...[`tcp:${'h'.repeat(65)}:1`, 'vsock:', 'vsock:1', 'vsock:1:'],
];

/** Where nothing can be reached, which is told afterwards. */
const UNREACHABLE: readonly string[] = [
  ...['unix:/nowhere/x', 'unix:a,b', 'unix:/', 'unix:FOLDER', `unix:/${'x'.repeat(150)}`],
  ...[
    'tcp:127.0.0.1:1',
    'tcp:localhost:1',
    'tcp:localhost:0',
    'tcp:[::1]:1',
    'tcp::1',
    'tcp:localhost:1,foo',
  ],
  ...[
    'tcp:localhost:1,ipv4',
    'tcp:localhost:1,to=9,ipv4=on',
    'tcp:::',
    'tcp:localhost:x',
    'tcp:localhost:1x',
  ],
  ...['tcp:localhost:-1', 'tcp: :1'],
];

const NO_DESCRIPTORS: readonly string[] = ['fd:', 'fd:nothing', 'fd:-1', 'fd:1x'];

const uri = (text: string): string => `{"uri": ${JSON.stringify(text)}}`;
const query: Exchange = { send: command('query-migrate') };

const eventsOn: Exchange = {
  send: command('migrate-set-capabilities', '{"capabilities": [{"capability": "events", "state": true}]}'),
};

/** The reply, setup and failed; then why. */
const failing = (text: string): Exchange[] => [
  { send: command('migrate', uri(text)), replies: 3, unordered: true },
  query,
];

export const addressScenarios: readonly Scenario[] = [
  {
    name: 'addresses that cannot be migrated to',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      query,
      eventsOn,
      ...[...MALFORMED, ...UNREACHABLE, ...NO_DESCRIPTORS].flatMap(failing),
      { send: command('query-status') },
    ],
  },
];
