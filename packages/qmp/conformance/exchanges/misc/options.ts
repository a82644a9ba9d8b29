import { command, type Scenario } from '../../exchange.js';

/** Groups of options that the machine takes as QEMU does. */
const groups = [
  'accel',
  'action',
  'add-fd',
  'chardev',
  'device',
  'memory',
  'mon',
  'name',
  'object',
  'rtc',
  'smp-opts',
  'vnc',
];

export const optionScenarios: readonly Scenario[] = [
  {
    name: 'the command line, as it is told to programs',
    negotiate: 'plain',
    exchanges: [
      ...groups.map((option) => ({
        send: command('query-command-line-options', JSON.stringify({ option })),
      })),
      { send: command('query-command-line-options', '{"option": "nothing"}') },
      { send: command('query-command-line-options', '{"option": 1}') },
      { send: command('query-command-line-options', '{"x": 1}') },
      { send: command('query-command-line-options', '{"option": null}') },
    ],
  },
  {
    name: 'who the machine is',
    negotiate: 'plain',
    machine: ['-S', '-name', 'vm1,process=x', '-uuid', '12345678-1234-1234-1234-123456789ABC', '-smp', '1'],
    exchanges: ['query-name', 'query-uuid', 'query-memory-size-summary', 'query-target', 'query-fdsets'].map(
      (name) => ({ send: command(name) }),
    ),
  },
];
