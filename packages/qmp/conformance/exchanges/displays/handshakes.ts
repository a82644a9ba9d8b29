import type { Exchange, MonitorExchange, Scenario } from '../../exchange.js';

const VERSION = 'RFB 003.008\n';

const events = (count: number): MonitorExchange => ({ send: ' ', replies: count, unordered: true });

/** A viewer that says this, what it hears, and what is told of it: that it came, and that it went. */
const sentAway = (said: string, heard: string): Exchange[] => [
  { socket: 'viewer', send: '', until: VERSION, reconnect: true },
  events(1),
  { socket: 'viewer', send: said, until: heard },
  events(1),
];

/** Versions that the server does not speak. */
const strangers = ['002.000', '003.000', '003.006', '003.009', '003.889', '004.000', '004.001', '000.000'];

const refusal = '\0\0\0\x01\0\0\0\x16Authentication failed\0';

export const handshakeScenarios: readonly Scenario[] = [
  {
    name: 'viewers of versions that are not spoken',
    machine: ['-S', '-vnc', 'unix:FOLDER/viewer'],
    negotiate: 'plain',
    exchanges: strangers.flatMap((version) => sentAway(`RFB ${version}\n`, '\0\0\0\0')),
  },
  {
    name: 'viewers that ask for another security type',
    machine: ['-S', '-vnc', 'unix:FOLDER/viewer'],
    negotiate: 'plain',
    exchanges: [
      ...['\0', '\x02', '\x05', '\x10', '\x13', 'x'].flatMap((type) =>
        sentAway(`${VERSION}${type}`, `\x01\x01${refusal}`),
      ),
      ...sentAway('RFB 003.007\n\x02', '\x01\x01\0\0\0\x01'),
      // What scanf takes for a version, and two that mean 3.3.
      ...['RFB 3.8\n....\x02', 'RFB 003.008\r\x02', 'RFB 003.008X\x02'].flatMap((said) =>
        sentAway(said, `\x01\x01${refusal}`),
      ),
      ...['RFB 003.004\n', 'RFB 003.005\n'].flatMap((version): Exchange[] => [
        { socket: 'viewer', send: '', until: VERSION, reconnect: true },
        events(1),
        { socket: 'viewer', send: version, until: '\0\0\0\x01' },
        { socket: 'viewer', send: '\x01', until: '' },
        events(1),
        // The next one comes, which ends this one.
        { socket: 'viewer', send: '', until: VERSION, reconnect: true },
        events(2),
        { socket: 'viewer', send: 'RFB 002.000\n', until: '\0\0\0\0' },
        events(1),
      ]),
    ],
  },
  {
    name: 'a server that asks for TLS, and old viewers',
    machine: [
      '-S',
      '-object',
      'tls-creds-anon,id=tls,endpoint=server',
      '-vnc',
      'unix:FOLDER/viewer,tls-creds=tls',
    ],
    negotiate: 'plain',
    exchanges: [
      ...sentAway('RFB 003.003\n', '\0\0\0\0'),
      ...sentAway('RFB 003.007\n\x01', '\x01\x13\0\0\0\x01'),
      ...sentAway(`${VERSION}\x02`, `\x01\x13${refusal}`),
    ],
  },
];
