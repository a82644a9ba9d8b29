import { command, type Descriptor, type Exchange, type Scenario } from '../../exchange.js';

const setPassword = (args: string): Exchange => ({ send: command('set_password', args) });
const expire = (args: string): Exchange => ({ send: command('expire_password', args) });
const line = (text: string): Exchange => ({
  send: command('human-monitor-command', `{"command-line": "${text}"}`),
});

/** A client is passed under a name and handed to `protocol`; the name is gone afterwards. */
const addClient = (protocol: string, more = ''): Exchange[] => [
  { send: command('getfd', '{"fdname": "viewer"}'), descriptors: ['socket'] },
  { send: command('add_client', `{"protocol": "${protocol}", "fdname": "viewer"${more}}`) },
  { send: command('closefd', '{"fdname": "viewer"}') },
];

/** As {@link addClient}, of a descriptor that nobody can talk to. */
const addOther = (protocol: string, descriptor: Descriptor): Exchange[] => [
  { send: command('getfd', '{"fdname": "other"}'), descriptors: [descriptor] },
  { send: command('add_client', `{"protocol": "${protocol}", "fdname": "other"}`) },
  { send: command('closefd', '{"fdname": "other"}') },
];

/** The peers have one VNC server with a password and without a socket (see peer.ts). */
export const passwordScenarios: readonly Scenario[] = [
  {
    name: 'remote displays and their passwords',
    negotiate: 'plain',
    exchanges: [
      { send: command('query-vnc') },
      { send: command('query-vnc-servers') },
      { send: command('query-vnc', '{"id": "default"}') },
      setPassword('{"protocol": "vnc", "password": "secret"}'),
      setPassword('{"protocol": "vnc", "password": "longer than eight"}'),
      setPassword('{"protocol": "vnc", "password": ""}'),
      setPassword('{"protocol": "vnc", "password": "x", "connected": "keep"}'),
      setPassword('{"protocol": "vnc", "password": "x", "connected": "fail"}'),
      setPassword('{"protocol": "vnc", "password": "x", "connected": "disconnect"}'),
      setPassword('{"protocol": "vnc", "password": "x", "connected": "wait"}'),
      setPassword('{"protocol": "vnc", "password": "x", "display": "default"}'),
      setPassword('{"protocol": "vnc", "password": "x", "display": "other"}'),
      setPassword('{"protocol": "spice", "password": "x"}'),
      setPassword('{"protocol": "spice", "password": "x", "display": "default"}'),
      setPassword('{"protocol": "rdp", "password": "x"}'),
      setPassword('{"protocol": "vnc"}'),
      setPassword('{"password": "x"}'),
      setPassword('{"protocol": "vnc", "password": 1}'),
      expire('{"protocol": "vnc", "time": "now"}'),
      expire('{"protocol": "vnc", "time": "never"}'),
      expire('{"protocol": "vnc", "time": "+60"}'),
      expire('{"protocol": "vnc", "time": "1700000000"}'),
      expire('{"protocol": "vnc", "time": "tomorrow"}'),
      expire('{"protocol": "vnc", "time": ""}'),
      expire('{"protocol": "vnc", "time": "+60", "display": "default"}'),
      expire('{"protocol": "vnc", "time": "+60", "display": "other"}'),
      expire('{"protocol": "spice", "time": "now"}'),
      expire('{"protocol": "vnc"}'),
      expire('{"protocol": "vnc", "time": 60}'),
      { send: command('change-vnc-password', '{"password": "secret"}') },
      { send: command('change-vnc-password', '{"password": ""}') },
      { send: command('change-vnc-password') },
    ],
  },
  {
    name: 'remote displays in the human monitor',
    negotiate: 'plain',
    exchanges: [
      line('info vnc'),
      line('help info vnc'),
      line('help set_password'),
      line('help expire_password'),
      line('set_password vnc x'),
      line('set_password vnc x keep'),
      line('set_password vnc x fail'),
      line('set_password vnc x sometimes'),
      line('set_password vnc x -d default'),
      line('set_password vnc x -d other'),
      line('set_password spice x'),
      line('set_password rdp x'),
      line('set_password vnc'),
      line('set_password'),
      line('expire_password vnc now'),
      line('expire_password vnc never -d default'),
      line('expire_password vnc never -d other'),
      line('expire_password spice now'),
      line('expire_password vnc'),
    ],
  },
  {
    name: 'clients that are passed',
    negotiate: 'plain',
    exchanges: [
      { send: command('add_client', '{"protocol": "vnc", "fdname": "nobody"}') },
      ...addClient('vnc'),
      ...addClient('vnc', ', "skipauth": true'),
      ...addClient('vnc', ', "skipauth": true, "tls": true'),
      ...addClient('spice'),
      ...addClient('spice', ', "tls": true'),
      ...addClient('@dbus-display'),
      ...addClient('rdp'),
      ...addClient(''),
      ...addClient('quiet'),
      ...addClient('mon0'),
      ...addClient('vnc', ', "skipauth": 1'),
      { send: command('add_client', '{"protocol": "vnc"}') },
      { send: command('add_client', '{"fdname": "viewer"}') },
      { send: command('query-vnc') },
    ],
  },
  {
    name: 'passed descriptors that are no sockets',
    negotiate: 'plain',
    exchanges: [
      ...addOther('vnc', 'null-read-write'),
      ...addOther('vnc', 'null-read'),
      ...addOther('spice', 'null-read-write'),
      ...addOther('@dbus-display', 'null-write'),
      ...addOther('rdp', 'null-read-write'),
      ...addOther('quiet', 'null-read'),
      ...addOther('mon0', 'null-read-write'),
      ...['', '0', '9viewer', 'view er', 'viewer', '/dev/fdset/0'].map((name) => ({
        send: command('add_client', `{"protocol": "vnc", "fdname": "${name}"}`),
      })),
      { send: command('query-vnc') },
    ],
  },
];
