import { QapiError } from '@godwit/qapi/runtime';
import type { CommandHandlers } from './command-call.js';

export const runStateCommands = {
  'query-status': (_, { machine: { guest } }) => ({ running: guest.running, status: guest.runState }),

  stop: async (_, { machine: { guest } }) => {
    if (guest.runState === 'inmigrate') guest.autostart = false;
    else await guest.stop();
  },

  cont: async (_, { machine: { guest } }) => {
    if (guest.needsReset) throw new QapiError('GenericError', 'Resetting the Virtual Machine is required');
    if (guest.runState === 'finish-migrate')
      throw new QapiError('GenericError', 'Migration is not finalized yet');
    if (guest.runState === 'inmigrate') guest.autostart = true;
    else await guest.start();
  },

  'x-exit-preconfig': (_, { machine }) => machine.exitPreconfig(),

  system_reset: (_, { machine }) => machine.reset('host-qmp-system-reset'),

  system_powerdown: (_, { machine }) => machine.powerDown(),

  'set-action': (actions, { machine }) => machine.setActions(actions),

  quit: (_, { machine }) => machine.shutdown('host-qmp-quit'),
} satisfies Partial<CommandHandlers>;
