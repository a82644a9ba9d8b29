import { command, type Exchange, monitorLine, type Scenario } from '../../exchange.js';
import { named, query, withBackend } from './chardev-commands.js';

const ring = (name: string, args: string): Exchange => ({ send: command(name, args) });

/** A device of each kind, as it can be made without anything of the host that may be missing. */
const kinds: readonly (readonly [type: string, data: string])[] = [
  ['vc', '{}'],
  ['vc', '{"cols": 80, "rows": 24}'],
  ['serial', '{"device": "/dev/null"}'],
  ['serial', '{"device": "/nothing"}'],
  ['serial', '{}'],
  ['parallel', '{"device": "/dev/null"}'],
  ['parallel', '{"device": "/nothing"}'],
  ['testdev', '{}'],
  ['ringbuf', '{"size": 1}'],
  ['ringbuf', '{"size": 3}'],
  ['ringbuf', '{"size": -1}'],
  ['ringbuf', '{"size": "16"}'],
  ['memory', '{"size": 17}'],
  ['null', '{"logfile": "FOLDER/log", "logappend": true}'],
  ['null', '{"logappend": true}'],
  ['null', '{"logfile": ""}'],
  ['file', '{"out": "FOLDER"}'],
  ['file', '{"in": "/nothing", "out": "FOLDER/o"}'],
  ['file', '{"in": "FOLDER/o"}'],
  ['mux', '{"chardev": "x"}'],
  ['mux', '{}'],
  ['udp', '{"remote": {"type": "unix", "data": {"path": "FOLDER/u"}}}'],
  ['udp', '{"remote": {"type": "fd", "data": {"str": "nothing"}}}'],
  ['udp', '{"remote": {"type": "inet", "data": {"host": "127.0.0.1", "port": ""}}}'],
  ['udp', '{"remote": {"type": "inet", "data": {"host": "", "port": "9"}}}'],
  ['udp', '{"remote": {"type": "inet", "data": {"host": "127.0.0.1", "port": "9", "ipv6": true}}}'],
  ['pty', '{"path": "/nothing/a"}'],
];

export const chardevKindScenarios: readonly Scenario[] = [
  {
    name: 'character devices of every kind, a break sent to each',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: kinds.flatMap(([type, data]) => [
      withBackend('chardev-add', 'x', type, data),
      query,
      named('chardev-send-break', 'x'),
      named('chardev-remove', 'x'),
    ]),
  },
  {
    name: 'a serial port that goes from one kind to the next',
    negotiate: 'plain',
    machine: ['-S', '-serial', 'null'],
    exchanges: [
      ...kinds
        .filter(([type]) => type !== 'pty')
        .flatMap(([type, data]) => [withBackend('chardev-change', 'serial0', type, data), query]),
      named('chardev-send-break', 'serial0'),
      monitorLine('chardev-send-break serial0'),
    ],
  },
  {
    name: 'a device that nobody uses is removed when it is to change, whatever comes of it',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: [
      withBackend('chardev-add', 'x', 'null', '{}'),
      withBackend('chardev-change', 'x', 'ringbuf', '{"size": 16}'),
      query,
      withBackend('chardev-change', 'x', 'ringbuf', '{"size": 17}'),
      query,
      withBackend('chardev-change', 'x', 'null', '{}'),
      withBackend('chardev-add', 'x', 'null', '{}'),
      withBackend('chardev-change', 'x', 'mux', '{"chardev": "nothing"}'),
      withBackend('chardev-add', 'x', 'null', '{}'),
      withBackend('chardev-add', 'm', 'mux', '{"chardev": "x"}'),
      withBackend('chardev-change', 'm', 'null', '{}'),
      named('chardev-remove', 'x'),
      named('chardev-remove', 'm'),
      query,
    ],
  },
  {
    name: 'names of character devices',
    negotiate: 'plain',
    machine: ['-S'],
    exchanges: ['', ' ', 'a b', '1a', '-a', 'a.b', 'a/b', '#block', 'type', 'mon0'].flatMap((id) => [
      withBackend('chardev-add', id, 'null', '{}'),
      named('chardev-remove', id),
    ]),
  },
  {
    name: 'what a ring buffer takes and gives',
    negotiate: 'plain',
    machine: ['-S', '-chardev', 'ringbuf,id=r,size=8'],
    exchanges: [
      ring('ringbuf-read', '{"device": "r", "size": 8}'),
      ring('ringbuf-write', '{"device": "r", "data": "0123456789abcdef"}'),
      ring('ringbuf-read', '{"device": "r", "size": 3}'),
      ring('ringbuf-read', '{"device": "r", "size": 20}'),
      ring('ringbuf-write', '{"device": "r", "data": "YWJ", "format": "base64"}'),
      ring('ringbuf-write', '{"device": "r", "data": "YW\\nJj", "format": "base64"}'),
      ring('ringbuf-write', '{"device": "r", "data": "", "format": "base64"}'),
      ring('ringbuf-read', '{"device": "r", "size": 20, "format": "base64"}'),
      ring('ringbuf-write', '{"device": "r", "data": "\u00e9\u20ac"}'),
      ring('ringbuf-read', '{"device": "r", "size": 1}'),
      ring('ringbuf-read', '{"device": "r", "size": 20}'),
      ring('ringbuf-read', '{"device": "r", "size": 9223372036854775808}'),
      ring('ringbuf-read', '{"device": "r", "size": 1.5}'),
      ring('ringbuf-read', '{"device": "r"}'),
      ring('ringbuf-write', '{"device": "r"}'),
    ],
  },
];
