import { command, type Scenario } from '../../exchange.js';

const socket = (address: string, more = '') =>
  command('chardev-add', `{"id": "x", "backend": {"type": "socket", "data": {"addr": ${address}${more}}}}`);
const remove = command('chardev-remove', '{"id": "x"}');
const list = command('query-chardev');
const inet = (host: string, port: string, more = '') =>
  `{"type": "inet", "data": {"host": "${host}", "port": "${port}"${more}}}`;
const passed = (name: string) => `{"type": "fd", "data": {"str": "${name}"}}`;
const client = ', "server": false';
const listening = ', "wait": false';

/** What does not go together, whatever the address. */
const clashes = [
  ', "server": false, "wait": false',
  ', "server": false, "wait": true',
  ', "wait": false, "reconnect": 1',
  ', "wait": false, "reconnect": 0',
  ', "server": false, "websocket": true',
  ', "wait": false, "tls-authz": "a"',
  ', "wait": false, "websocket": 1',
];

export const socketAddressScenarios: readonly Scenario[] = [
  {
    name: 'what does not go together at a socket is told before its address is looked at',
    negotiate: 'plain',
    exchanges: [
      inet('127.0.0.1', 'nothing'),
      '{"type": "unix", "data": {"path": "/nothing/x"}}',
      passed('no'),
    ]
      .flatMap((address) => clashes.map((more) => socket(address, more)))
      .map((send) => ({ send })),
  },
  {
    name: 'hosts, ports and versions of IP',
    negotiate: 'plain',
    exchanges: [
      ...[
        socket(inet('127.0.0.1', 'nothing'), listening),
        socket(inet('127.0.0.1', 'nothing'), client),
        socket(inet('', '1'), client),
        socket(inet('::1', '1'), client),
        socket(inet('localhost', '1', ', "ipv4": true'), client),
        socket(inet('127.0.0.1', '0', ', "ipv6": true'), listening),
        socket(inet('127.0.0.1', '0', ', "ipv4": false, "ipv6": false'), listening),
        socket(inet('127.0.0.1', '0', ', "to": 70000'), listening),
        socket('{"type": "inet", "data": {}}', client),
        socket('{"type": "inet"}', client),
        socket('{"type": "unix", "data": {"path": "godwit-nobody", "abstract": true}}', client),
      ].map((send) => ({ send })),
      ...[
        socket(inet('127.0.0.1', '0'), `${listening}, "websocket": true`),
        socket(inet('127.0.0.1', '0'), `${listening}, "telnet": true`),
        socket(inet('127.0.0.1', '0'), `${listening}, "nodelay": true`),
        socket(inet('127.0.0.1', ''), listening),
        socket(inet('127.0.0.1', '1'), ', "server": false, "reconnect": 60'),
      ].flatMap((send) => [{ send }, { send: remove }]),
      { send: list },
    ],
  },
  {
    name: 'a passed descriptor as a socket',
    negotiate: 'plain',
    exchanges: [
      { send: command('getfd', '{"fdname": "s"}'), descriptors: ['null-read'] },
      // What does not go together leaves it where it is.
      { send: socket(passed('s'), ', "server": false, "reconnect": 1') },
      { send: command('getfd', '{"fdname": "t"}'), descriptors: ['null-read'] },
      { send: socket(passed('s'), ', "server": false, "wait": true') },
      { send: socket(passed('s'), client) },
      { send: command('closefd', '{"fdname": "s"}') },
      { send: socket(passed('t'), listening) },
      { send: command('closefd', '{"fdname": "t"}') },
      { send: command('getfd', '{"fdname": "u"}'), descriptors: ['socket'] },
      { send: socket(passed('u'), client) },
      { send: command('closefd', '{"fdname": "u"}') },
      { send: remove },
    ],
  },
];
