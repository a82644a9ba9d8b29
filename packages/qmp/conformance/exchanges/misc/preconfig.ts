import { command, monitorLine, type Scenario } from '../../exchange.js';

const refused = ['stop', 'cont', 'system_reset', 'system_powerdown', 'query-cpus-fast', 'query-migrate'];
const allowed = ['query-name', 'query-iothreads', 'query-status'];

export const preconfigScenarios: readonly Scenario[] = [
  {
    name: 'before the machine is built',
    negotiate: 'plain',
    machine: ['-S', '--preconfig', '-name', 'early', '-object', 'iothread,id=io0'],
    exchanges: [
      ...refused.map((name) => ({ send: command(name) })),
      ...allowed.map((name) => ({ send: command(name) })),
      { send: command('query-chardev'), unorderedLists: true },
      monitorLine('info status'),
      { send: command('x-exit-preconfig', '{"x": 1}') },
      { send: command('x-exit-preconfig') },
      { send: command('x-exit-preconfig') },
      { send: command('query-status') },
      { send: command('query-migrate') },
    ],
  },
  {
    name: 'a machine that runs as soon as it is built',
    negotiate: 'plain',
    machine: ['--preconfig'],
    exchanges: [
      { send: command('query-status') },
      { send: command('x-exit-preconfig'), replies: 2 },
      { send: command('query-status') },
      { send: command('stop'), replies: 2 },
    ],
  },
];
