import { command, type Scenario } from '../exchange.js';

const getfd = (name: string) => command('getfd', `{"fdname": "${name}"}`);
const closefd = (name: string) => command('closefd', `{"fdname": "${name}"}`);
const addFd = (args = '{}') => command('add-fd', args);
const query = command('query-fdsets');

export const descriptorScenarios: readonly Scenario[] = [
  {
    name: 'named descriptors',
    negotiate: 'plain',
    exchanges: [
      { send: getfd('a') },
      { send: getfd('a'), descriptors: ['null-read'] },
      { send: getfd('a'), descriptors: ['null-read'] },
      { send: closefd('a') },
      { send: closefd('a') },
      { send: getfd('1a'), descriptors: ['null-read'] },
      { send: getfd('1a') },
      { send: getfd(''), descriptors: ['null-read'] },
      { send: closefd('') },
      { send: command('getfd'), descriptors: ['null-read'] },
      { send: command('getfd', '{"fdname": 1}') },
      { send: getfd('left over'), replies: 1 },
      { send: closefd('left over') },
      { send: getfd('b'), descriptors: ['null-read', 'null-read', 'null-read'] },
      { send: getfd('c') },
      { send: closefd('b') },
      { send: command('query-name'), descriptors: ['null-read'] },
      { send: getfd('d') },
      { send: closefd('d') },
      { send: getfd('e'), descriptors: ['socket'] },
      { send: command('query-name'), reconnect: true, replies: 2 },
      { send: command('qmp_capabilities') },
      { send: closefd('e') },
      { send: command('add_client', '{"protocol": "x", "fdname": "y"}') },
      { send: getfd('y'), descriptors: ['socket'] },
      { send: command('add_client', '{"protocol": "x", "fdname": "y"}') },
      { send: closefd('y') },
      { send: getfd('pieces'), descriptors: ['null-read'], chunk: 5 },
      { send: closefd('pieces') },
    ],
  },
  {
    name: 'names belong to their monitor',
    negotiate: 'plain',
    monitors: 2,
    exchanges: [
      { send: getfd('mine'), descriptors: ['null-read'] },
      { send: closefd('mine'), monitor: 1 },
      { send: closefd('mine') },
    ],
  },
  {
    name: 'sets of descriptors',
    negotiate: 'plain',
    monitors: 2,
    exchanges: [
      // QEMU 7.2 keeps descriptors that are removed until the guest runs.
      { send: command('cont'), replies: 2, elsewhere: { 1: 1 } },
      { send: addFd() },
      { send: addFd(), descriptors: ['null-read'] },
      { send: addFd('{"fdset-id": 3, "opaque": "three"}'), descriptors: ['null-read-write'] },
      { send: addFd('{"fdset-id": 3}'), descriptors: ['null-write'] },
      { send: addFd(), descriptors: ['null-read'] },
      { send: addFd('{"fdset-id": -1}'), descriptors: ['null-read'] },
      { send: addFd('{"fdset-id": 1.5}'), descriptors: ['null-read'] },
      { send: addFd('{"fdset-id": "1"}') },
      { send: addFd('{"opaque": 1}') },
      { send: query },
      { send: query, monitor: 1 },
      { send: command('remove-fd', '{"fdset-id": 0, "fd": 99999}') },
      { send: command('remove-fd', '{"fdset-id": 9}') },
      { send: command('remove-fd', '{}') },
      { send: command('remove-fd', '{"fdset-id": 3}'), monitor: 1 },
      { send: query },
      { send: command('remove-fd', '{"fdset-id": 0}') },
      { send: command('remove-fd', '{"fdset-id": 1}') },
      { send: query },
      { send: command('remove-fd', '{"fdset-id": 1}') },
      { send: command('stop'), replies: 2, elsewhere: { 1: 1 } },
    ],
  },
];
