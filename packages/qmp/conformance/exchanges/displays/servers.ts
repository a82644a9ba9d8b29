import { command, type MonitorExchange, monitorLine, type Scenario } from '../../exchange.js';

const query: MonitorExchange[] = [
  { send: command('query-vnc') },
  { send: command('query-vnc-servers') },
  monitorLine('info vnc'),
];

const update = (args: string): MonitorExchange => ({ send: command('display-update', args) });
const reload = (args: string): MonitorExchange => ({ send: command('display-reload', args) });

/** The first server, which every peer has, listens at these from now on. */
const listenAt = (...addresses: string[]): MonitorExchange =>
  update(`{"type": "vnc", "addresses": [${addresses.join(', ')}]}`);

const unix = (name: string) => `{"type": "unix", "path": "FOLDER/${name}"}`;

const setPassword = (id: string): MonitorExchange[] => [
  {
    send: command('set_password', `{"protocol": "vnc", "password": "x", "display": "${id}"}`),
  },
  { send: command('expire_password', `{"protocol": "vnc", "time": "+60", "display": "${id}"}`) },
  monitorLine(`set_password vnc x -d ${id}`),
  monitorLine(`expire_password vnc now -d ${id}`),
];

export const serverScenarios: readonly Scenario[] = [
  {
    name: 'several VNC servers',
    machine: ['-S', '-vnc', 'unix:FOLDER/one,id=one', '-vnc', 'none,id=two,password=on', '-vnc', 'none'],
    negotiate: 'plain',
    exchanges: [...query, ...['default', 'one', 'two', 'vnc2', 'vnc4', 'three', ''].flatMap(setPassword)],
  },
  {
    name: 'VNC servers that ask for TLS',
    machine: [
      ...['-S', '-object', 'tls-creds-anon,id=tls,endpoint=server', '-object', 'secret,id=word,data=secret'],
      ...['-vnc', 'unix:FOLDER/plain,id=plain,tls-creds=tls'],
      ...['-vnc', 'none,id=locked,tls-creds=tls,password-secret=word'],
    ],
    negotiate: 'plain',
    exchanges: [
      ...query,
      ...['plain', 'locked'].flatMap(setPassword),
      reload('{"type": "vnc", "tls-certs": true}'),
      { send: command('object-del', '{"id": "word"}') },
      { send: command('object-del', '{"id": "word"}') },
      ...query,
    ],
  },
  {
    name: 'VNC servers that listen elsewhere',
    machine: ['-S'],
    negotiate: 'plain',
    exchanges: [
      ...query,
      listenAt(unix('first')),
      ...query,
      listenAt(unix('first'), unix('second')),
      ...query,
      listenAt(unix('third')),
      ...query,
      listenAt(),
      ...query,
      update('{"type": "vnc"}'),
      update('{"type": "spice"}'),
      update('{"type": 1}'),
      update('{}'),
      { send: command('display-update') },
      update('{"type": "vnc", "addresses": {}}'),
      update('{"type": "vnc", "addresses": [{}]}'),
      update('{"type": "vnc", "addresses": [{"type": "pigeon"}]}'),
      update('{"type": "vnc", "addresses": [{"type": "unix"}]}'),
      update('{"type": "vnc", "addresses": [{"type": "inet", "host": "localhost"}]}'),
      update('{"type": "vnc", "more": true}'),
      ...query,
      reload('{"type": "vnc"}'),
      reload('{"type": "vnc", "tls-certs": false}'),
      reload('{"type": "vnc", "tls-certs": true}'),
      reload('{"type": "vnc", "tls-certs": "yes"}'),
      reload('{"type": "spice"}'),
      reload('{}'),
      { send: command('display-reload') },
    ],
  },
  {
    name: 'the password of a server that asks for none',
    machine: ['-S', '-vnc', 'unix:FOLDER/open,id=open'],
    negotiate: 'plain',
    exchanges: [
      ...setPassword('open'),
      monitorLine('set_password vnc x keep -d open'),
      monitorLine('set_password vnc x -d open keep'),
      monitorLine('set_password vnc x -d open fail'),
      monitorLine('set_password vnc "" -d open'),
      monitorLine('set_password vnc x -d'),
      monitorLine('set_password vnc x -q open'),
      monitorLine('expire_password vnc never -d'),
      monitorLine('change vnc password secret'),
      monitorLine('change vnc passwd secret'),
      monitorLine('change vnc password'),
      monitorLine('change vnc none'),
      monitorLine('change vnc'),
      monitorLine('change'),
      monitorLine('help change'),
    ],
  },
];
