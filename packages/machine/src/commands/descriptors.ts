import type { CommandHandlers } from './command-call.js';

export const descriptorCommands = {
  getfd: ({ fdname }, { monitor, takeDescriptor }) => monitor.descriptors.add(fdname, takeDescriptor()),

  closefd: ({ fdname }, { monitor }) => monitor.descriptors.close(fdname),

  'add-fd': ({ 'fdset-id': id, opaque }, { machine, takeDescriptor }) =>
    machine.fdSets.add(takeDescriptor(), id, opaque),

  'remove-fd': ({ 'fdset-id': id, fd }, { machine }) => machine.fdSets.remove(id, fd),

  'query-fdsets': (_, { machine }) => machine.fdSets.query(),
} satisfies Partial<CommandHandlers>;
