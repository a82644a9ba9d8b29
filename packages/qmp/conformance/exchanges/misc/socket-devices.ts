import { command, type Exchange, type Scenario } from '../../exchange.js';
import { named, query, withBackend } from './chardev-commands.js';

const add = (data: string, id = 'x'): Exchange => withBackend('chardev-add', id, 'socket', data);
const removed = (id: string): Exchange => named('chardev-remove', id);
const remove = removed('x');
const inet = (host: string, port: string, more = '', outer = ', "wait": false'): string =>
  `{"addr": {"type": "inet", "data": {"host": "${host}", "port": "${port}"${more}}}${outer}}`;
const unix = (more = '', outer = ', "wait": false'): Exchange =>
  add(`{"addr": {"type": "unix", "data": {"path": "FOLDER/x"${more}}}${outer}}`);

/** A client whose other end closes at once. */
const addClient: readonly Exchange[] = [
  { send: command('getfd', '{"fdname": "c"}'), descriptors: ['socket'] },
  { send: command('add_client', '{"protocol": "x", "fdname": "c"}') },
];
const disconnected: Exchange = {
  send: command('query-chardev'),
  awaits: /"disconnected:unix:[^"]*\/x,server=on","frontend-open":false/,
};

export const socketDeviceScenarios: readonly Scenario[] = [
  {
    name: 'what a socket device is asked for',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      ...[
        unix(),
        unix(', "abstract": true'),
        unix(', "abstract": true, "tight": false'),
        unix('', ', "wait": false, "telnet": true'),
        unix('', ', "wait": false, "tn3270": true'),
        unix('', ', "wait": false, "nodelay": true'),
        unix('', ', "wait": false, "websocket": true'),
        unix('', ', "wait": false, "logfile": "FOLDER/log"'),
        unix('', ', "server": false, "reconnect": 3600'),
      ].flatMap((exchange) => [exchange, query, remove]),
      ...[
        inet('127.0.0.1', '0'),
        inet('127.0.0.1', '0', ', "to": 10'),
        inet('127.0.0.1', '0', ', "to": 70000'),
        inet('127.0.0.1', '0', ', "ipv4": true'),
        inet('127.0.0.1', '0', ', "ipv4": true, "ipv6": true'),
        inet('127.0.0.1', '0', ', "ipv4": false'),
        inet('127.0.0.1', '0', ', "ipv6": true'),
        inet('127.0.0.1', '0', ', "ipv4": false, "ipv6": false'),
        inet('127.0.0.1', '0', ', "keep-alive": true'),
        inet('127.0.0.1', '0', '', ', "wait": false, "reconnect": 1'),
        inet('127.0.0.1', '0', '', ', "wait": false, "tls-creds": "nothing"'),
        inet('127.0.0.1', '0', '', ', "wait": false, "tls-authz": "nothing"'),
        inet('127.0.0.1', 'nothing'),
        inet('127.0.0.1', '-1'),
        inet('1.2.3.4', '0'),
        inet('no.such.host.invalid', '0'),
        inet('::1', '0', ', "ipv4": true'),
        // Each under a name of its own: QEMU 7.2 keeps the name of some that could not be made.
      ].flatMap((data, index) => [add(data, `x${index}`), removed(`x${index}`)]),
      unix('', ', "wait": false, "tls-creds": "nothing"'),
      unix('', ', "server": false, "websocket": true'),
      add(`{"addr": {"type": "unix", "data": {"path": "/${'x'.repeat(120)}"}}, "wait": false}`),
      query,
    ],
  },
  {
    name: 'clients that hang up before somebody uses the device',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [unix(), ...addClient, disconnected, ...addClient, disconnected, query, remove, ...addClient],
  },
];
