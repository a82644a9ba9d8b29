import {
  command,
  type Exchange,
  type MonitorExchange,
  monitorLine,
  type Scenario,
  type SocketExchange,
} from '../../exchange.js';

/** Bytes to and from a viewer's socket; what is waited for is compared. */
const say = (socket: string, send: string, until: string): SocketExchange => ({ socket, send, until });

/** Messages that come without having been asked for. */
const events = (count: number): MonitorExchange => ({ send: ' ', replies: count, unordered: true });

const servers: MonitorExchange = { send: command('query-vnc-servers') };

const VERSION = 'RFB 003.008\n';

/** A viewer of a server without security, up to its events. */
const opened = (socket: string, shared: boolean): Exchange[] => [
  { ...say(socket, '', VERSION), reconnect: true },
  events(1),
  say(socket, VERSION, '\x01\x01'),
  say(socket, '\x01', '\0\0\0\0'),
  say(socket, shared ? '\x01' : '\0', ''),
];

/** What a viewer says to a server that asks for TLS, and what comes back; it is sent away at the end. */
const vencrypt = (...steps: SocketExchange[]): Exchange[] => [
  { ...say('tls', '', VERSION), reconnect: true },
  events(1),
  say('tls', VERSION, '\x01\x13'),
  ...steps,
  events(1),
];

const machine = (...more: string[]) => ['-S', '-vnc', `unix:FOLDER/viewer,id=seen${more.join('')}`];

export const viewerScenarios: readonly Scenario[] = [
  {
    name: 'a viewer comes and goes',
    machine: machine(),
    negotiate: 'plain',
    exchanges: [
      ...opened('viewer', true),
      events(1),
      servers,
      { send: command('query-vnc') },
      monitorLine('info vnc'),
      { ...say('viewer', '', VERSION), reconnect: true },
      events(2),
      servers,
      monitorLine('info vnc'),
      // Versions 3.3 and 3.7 of the protocol, without a word on the result.
      say('viewer', 'RFB 003.003\n', '\0\0\0\x01'),
      say('viewer', '\x01', ''),
      events(1),
      { ...say('viewer', '', VERSION), reconnect: true },
      events(2),
      say('viewer', 'RFB 003.007\n', '\x01\x01'),
      say('viewer', '\x01\x01', ''),
      events(1),
      servers,
    ],
  },
  {
    name: 'a viewer that talks nonsense',
    machine: machine(),
    negotiate: 'plain',
    exchanges: [
      say('viewer', 'GET / HTTP/1.1\r\n\r\n', VERSION),
      events(2),
      { ...say('viewer', '', VERSION), reconnect: true },
      events(1),
      say('viewer', VERSION, '\x01\x01'),
      say('viewer', '\x02', '\0\0\0\x01'),
      events(1),
      ...opened('viewer', true),
      events(1),
      // A message that there is none of.
      say('viewer', '\x63', ''),
      events(1),
      servers,
    ],
  },
  {
    name: 'viewers that share, and one that wants to be alone',
    machine: machine(),
    negotiate: 'plain',
    exchanges: [
      ...opened('viewer', true),
      events(1),
      servers,
      { socket: './viewer', send: '', until: VERSION },
      events(1),
      servers,
      say('./viewer', VERSION, '\x01\x01'),
      say('./viewer', '\x01', '\0\0\0\0'),
      say('./viewer', '\0', ''),
      events(2),
      servers,
      monitorLine('info vnc'),
    ],
  },
  {
    name: 'a server that lets nobody be alone',
    machine: machine(',share=force-shared'),
    negotiate: 'plain',
    exchanges: [...opened('viewer', false), events(1), ...opened('viewer', true), events(1), servers],
  },
  {
    name: 'a server that has room for one',
    machine: machine(',connections=1,share=ignore'),
    negotiate: 'plain',
    exchanges: [
      ...opened('viewer', false),
      events(1),
      servers,
      { socket: './viewer', send: '', until: VERSION },
      events(1),
      servers,
    ],
  },
  {
    name: 'a viewer that does not know the password',
    machine: machine(',password=on'),
    negotiate: 'plain',
    exchanges: [
      servers,
      say('viewer', '', VERSION),
      events(1),
      say('viewer', VERSION, '\x01\x02'),
      // The challenge is another each time, and no answer is right before a password is set.
      say('viewer', `\x02${'\0'.repeat(16)}`, ''),
      events(1),
      { ...say('viewer', '', VERSION), reconnect: true },
      events(1),
      say('viewer', 'RFB 003.003\n', '\0\0\0\x02'),
      say('viewer', '\0'.repeat(16), ''),
      events(1),
      servers,
      monitorLine('info vnc'),
    ],
  },
  {
    name: 'a viewer that is asked for TLS',
    machine: [
      ...['-S', '-object', 'tls-creds-anon,id=tls,endpoint=server'],
      ...['-vnc', 'unix:FOLDER/tls,id=tls,tls-creds=tls'],
    ],
    negotiate: 'plain',
    exchanges: [
      ...vencrypt(say('tls', '\x13', '\0\x02'), say('tls', '\0\x01', '\x01')),
      ...vencrypt(
        say('tls', '\x13', '\0\x02'),
        say('tls', '\0\x02', '\0\x01\0\0\x01\x01'),
        say('tls', '\0\0\x01\x04', '\0'),
      ),
      ...vencrypt(
        say('tls', '\x13', '\0\x02'),
        say('tls', '\0\x02', '\0\x01\0\0\x01\x01'),
        say('tls', '\0\0\x01\x01', '\x01'),
        say('tls', 'GET / HTTP/1.1\r\n\r\n', ''),
      ),
      ...vencrypt(say('tls', '\x01', '\0\0\0\x01')),
      servers,
      monitorLine('info vnc'),
    ],
  },
];
