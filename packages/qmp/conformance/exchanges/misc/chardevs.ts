import { command, type Exchange, monitorLine, type Scenario, type SocketExchange } from '../../exchange.js';

const add = (id: string, type: string, data = '{}'): Exchange => ({
  send: command('chardev-add', `{"id": "${id}", "backend": {"type": "${type}", "data": ${data}}}`),
});
const change = (id: string, type: string, data = '{}'): Exchange => ({
  send: command('chardev-change', `{"id": "${id}", "backend": {"type": "${type}", "data": ${data}}}`),
});
const named = (name: string, id: string): Exchange => ({ send: command(name, `{"id": "${id}"}`) });
const unix = (path: string, more = ''): string =>
  `{"addr": {"type": "unix", "data": {"path": "${path}"}}${more}}`;
const inet = (host: string, port: string, more = ''): string =>
  `{"addr": {"type": "inet", "data": {"host": "${host}", "port": "${port}"}}${more}}`;
const query: Exchange = { send: command('query-chardev'), unorderedLists: true };
const write = (args: string): Exchange => ({ send: command('ringbuf-write', args) });
const read = (args: string): Exchange => ({ send: command('ringbuf-read', args) });
const keys = (send: string, until: string): SocketExchange => ({ socket: 'shared', send, until });

/** A client is passed under a name and handed to `protocol`; the name is gone afterwards. */
const addClient = (protocol: string): Exchange[] => [
  { send: command('getfd', '{"fdname": "c"}'), descriptors: ['socket'] },
  { send: command('add_client', `{"protocol": "${protocol}", "fdname": "c"}`) },
  { send: command('closefd', '{"fdname": "c"}') },
];

export const chardevScenarios: readonly Scenario[] = [
  {
    name: 'character devices that come, change and go',
    negotiate: 'plain',
    machine: ['-S', '-serial', 'null'],
    exchanges: [
      query,
      add('n', 'null'),
      add('n', 'null'),
      add('n1', 'null', '{"logfile": "FOLDER/log"}'),
      add('n2', 'null', '{"logfile": "/nothing/log"}'),
      add('f', 'file', '{"out": "FOLDER/out"}'),
      add('f1', 'file', '{"out": "FOLDER/out", "append": true}'),
      add('f2', 'file', '{"out": "/nothing/x"}'),
      add('f3', 'file'),
      add('p', 'pipe', '{"device": "/nothing/x"}'),
      add('r', 'ringbuf'),
      add('r1', 'ringbuf', '{"size": 5}'),
      add('m', 'memory', '{"size": 4}'),
      add('u', 'udp', '{"remote": {"type": "inet", "data": {"host": "127.0.0.1", "port": "9"}}}'),
      add('s', 'socket', unix('FOLDER/s', ', "wait": false')),
      add('s1', 'socket', unix('/nothing/x', ', "wait": false')),
      add('s1', 'socket', unix('/nothing/x', ', "server": false')),
      add('s1', 'socket', unix('/nothing/x', ', "server": false, "wait": true')),
      add('s1', 'socket', unix('/nothing/x', ', "server": true, "reconnect": 1')),
      add('s1', 'socket', unix('/nothing/x', ', "server": false, "reconnect": 60')),
      add('s2', 'socket', inet('127.0.0.1', '1', ', "server": false')),
      add('s2', 'socket', inet('no.such.host.invalid', '1', ', "server": false')),
      add('s2', 'socket', inet('127.0.0.1', 'nothing')),
      add('s2', 'socket', '{"addr": {"type": "inet", "data": {"host": "127.0.0.1"}}}'),
      add('s2', 'socket', '{"addr": {"type": "fd", "data": {"str": "nothing"}}}'),
      add('s2', 'socket', '{"addr": {"type": "fd", "data": {"str": "999"}}}'),
      add('s2', 'socket', '{"addr": {"type": "nothing", "data": {}}}'),
      add('x', 'mux', '{"chardev": "n"}'),
      add('y', 'mux', '{"chardev": "nothing"}'),
      add('y', 'nothing'),
      { send: command('chardev-add', '{"id": "y", "backend": {"type": "null"}}') },
      { send: command('chardev-add', '{"id": "y", "backend": {"data": {}}}') },
      { send: command('chardev-add', '{"id": "y", "backend": 1}') },
      { send: command('chardev-add', '{"id": 1, "backend": {"type": "null", "data": {}}}') },
      { send: command('chardev-add', '{"id": "y"}') },
      { send: command('chardev-add', '{}') },
      query,
      change('serial0', 'null'),
      change('serial0', 'ringbuf', '{"size": 16}'),
      change('serial0', 'file', '{"out": "/nothing/x"}'),
      change('nothing', 'null'),
      change('mon0', 'null'),
      { send: command('chardev-change', '{"id": "serial0"}') },
      query,
      named('chardev-remove', 'nothing'),
      named('chardev-remove', 'n'),
      named('chardev-remove', 'serial0'),
      named('chardev-remove', 'mon0'),
      named('chardev-remove', 'x'),
      named('chardev-remove', 'n'),
      named('chardev-remove', 's'),
      { send: command('chardev-remove') },
      named('chardev-send-break', 'nothing'),
      named('chardev-send-break', 'serial0'),
      named('chardev-send-break', 'f'),
      { send: command('chardev-send-break') },
      write('{"device": "m", "data": "abcdef"}'),
      read('{"device": "m", "size": 10}'),
      write('{"device": "m", "data": "YWJjZA==", "format": "base64"}'),
      write('{"device": "m", "data": "!!", "format": "base64"}'),
      write('{"device": "m", "data": "x", "format": "hex"}'),
      read('{"device": "m", "size": 2, "format": "base64"}'),
      read('{"device": "m", "size": 0}'),
      read('{"device": "m", "size": -1}'),
      read('{"device": "m", "size": 10}'),
      read('{"device": "m", "size": 10}'),
      read('{"device": "f", "size": 10}'),
      read('{"device": "nothing", "size": 10}'),
      write('{"device": "nothing", "data": "x"}'),
      write('{"device": "f", "data": "x"}'),
      query,
      monitorLine('chardev-remove f'),
    ],
  },
  {
    name: 'clients that are passed to character devices',
    negotiate: 'plain',
    machine: [
      '-S',
      '-chardev',
      'socket,id=s,path=FOLDER/s,server=on,wait=off',
      '-serial',
      'chardev:s',
      '-chardev',
      'null,id=n',
    ],
    exchanges: [
      query,
      ...addClient('s'),
      query,
      ...addClient('s'),
      ...addClient('n'),
      ...addClient('nothing'),
      { send: command('add_client', '{"protocol": "s", "fdname": "nothing"}') },
      { send: command('add_client', '{"protocol": "s"}') },
      { send: command('add_client', '{"fdname": "x"}') },
    ],
  },
  {
    name: 'a device that a serial port shares with a monitor',
    negotiate: 'plain',
    machine: [
      ...['-S', '-name', 'vm1', '-chardev', 'socket,id=m,path=FOLDER/shared,server=on,wait=off,mux=on'],
      ...['-serial', 'chardev:m', '-mon', 'chardev=m'],
    ],
    exchanges: [
      query,
      keys('serial\x01c', '(qemu) '),
      keys('info name\n', 'vm1\r\n(qemu) '),
      keys('\x01h', 'sends C-a\n\r'),
      keys('\x01c\x01c', '(qemu) '),
      keys('p 1\n\x01cserial\x01cp 2\n', '0x2\r\n(qemu) '),
      query,
      named('chardev-remove', 'm'),
      named('chardev-remove', 'm-base'),
    ],
  },
];
