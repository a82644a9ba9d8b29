import { QapiError } from '@godwit/qapi/runtime';
import type { CommandHandlers } from './command-call.js';

export const migrationCommands = {
  migrate: async ({ uri, channels, resume }, { machine }) => {
    if (resume === true) throw new QapiError('GenericError', 'Postcopy migration is not supported');
    await machine.migrations.migrate({
      ...(uri === undefined ? {} : { uri }),
      ...(channels === undefined ? {} : { channels }),
    });
  },

  'migrate-incoming': ({ uri, channels, 'exit-on-error': exitOnError }, { machine }) =>
    machine.migrations.listen(
      { ...(uri === undefined ? {} : { uri }), ...(channels === undefined ? {} : { channels }) },
      exitOnError,
    ),

  migrate_cancel: (_, { machine }) => machine.migrations.cancel(),

  'migrate-continue': ({ state }, { machine }) => machine.migrations.continue(state),

  // A machine has no postcopy, and so never one that could be interrupted or recovered.
  'migrate-pause': () => {
    throw new QapiError(
      'GenericError',
      'migrate-pause is currently only supported during postcopy-active state',
    );
  },

  'migrate-recover': () => {
    throw new QapiError('GenericError', 'Migrate recover can only be run when postcopy is paused.');
  },

  'query-migrate': (_, { machine }) => machine.migrations.info(),

  'migrate-set-parameters': (changes, { machine }) => machine.migrations.setParameters(changes),

  'query-migrate-parameters': (_, { machine }) => machine.migrations.parameters.values,

  'migrate-set-capabilities': ({ capabilities }, { machine }) =>
    machine.migrations.setCapabilities(capabilities),

  'query-migrate-capabilities': (_, { machine }) => machine.migrations.capabilities.list(),
} satisfies Partial<CommandHandlers>;
