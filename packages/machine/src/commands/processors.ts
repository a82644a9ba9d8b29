import { MAX_CPUS } from '../options/topology.js';
import type { CommandHandlers } from './command-call.js';

export const processorCommands = {
  'query-cpus-fast': async (_, { machine }) => {
    const { cores, threads } = machine.configuration.topology;
    const { accelerator } = machine.hardware;
    await accelerator.up;
    return accelerator.vcpus.map(({ index, threadId }) => ({
      'cpu-index': BigInt(index),
      'qom-type': 'sim-cpu',
      'qom-path': `/machine/unattached/device[${index}]`,
      'thread-id': BigInt(threadId),
      props: {
        'socket-id': BigInt(Math.floor(index / (cores * threads))),
        'core-id': BigInt(Math.floor(index / threads) % cores),
        'thread-id': BigInt(index % threads),
      },
      target: 'x86_64',
    }));
  },

  'query-memory-size-summary': (_, { machine }) => ({
    'base-memory': BigInt(machine.hardware.memory.size),
    // None can be plugged.
    'plugged-memory': 0n,
  }),

  'query-machines': () => [
    {
      name: 'sim',
      'is-default': true,
      'cpu-max': BigInt(MAX_CPUS),
      'hotpluggable-cpus': false,
      'numa-mem-supported': false,
      deprecated: false,
      'default-cpu-type': 'sim-cpu',
      acpi: false,
    },
  ],

  'query-current-machine': () => ({ 'wakeup-suspend-support': false }),

  'query-iothreads': (_, { machine }) =>
    machine.objects.iothreads.map((thread) => ({
      id: thread.name,
      'thread-id': BigInt(thread.threadId),
      'poll-max-ns': thread.setting('poll-max-ns'),
      'poll-grow': thread.setting('poll-grow'),
      'poll-shrink': thread.setting('poll-shrink'),
      'aio-max-batch': thread.setting('aio-max-batch'),
    })),
} satisfies Partial<CommandHandlers>;
