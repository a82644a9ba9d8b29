import type { MonitorIdentity } from '@godwit/qmp';
import type { MigrationChannel } from '../generated/index.js';
import type { Place } from '../migration/address.js';
import type { CommandHandlers } from './command-call.js';

export const migrationCommands = {
  migrate: async ({ uri, channels, resume }, { machine, monitor }) => {
    const place = placeOf(uri, channels, monitor);
    if (resume === true) await machine.migrations.resume(place);
    else await machine.migrations.migrate(place);
  },

  'migrate-incoming': ({ uri, channels, 'exit-on-error': exitOnError }, { machine, monitor }) =>
    machine.migrations.listen(placeOf(uri, channels, monitor), exitOnError),

  migrate_cancel: (_, { machine }) => machine.migrations.cancel(),

  'migrate-continue': ({ state }, { machine }) => machine.migrations.continue(state),

  'migrate-pause': (_, { machine }) => machine.migrations.pause(),

  'migrate-recover': ({ uri }, { machine, monitor }) =>
    machine.migrations.recover(placeOf(uri, undefined, monitor)),

  'query-migrate': (_, { machine }) => machine.migrations.info(),

  'migrate-set-parameters': (changes, { machine }) => machine.migrations.setParameters(changes),

  'query-migrate-parameters': (_, { machine }) => machine.migrations.parameters.values,

  'migrate-set-capabilities': ({ capabilities }, { machine }) =>
    machine.migrations.setCapabilities(capabilities),

  'query-migrate-capabilities': (_, { machine }) => machine.migrations.capabilities.list(),
} satisfies Partial<CommandHandlers>;

function placeOf(
  uri: string | undefined,
  channels: readonly MigrationChannel[] | undefined,
  { descriptors }: MonitorIdentity,
): Place {
  return {
    ...(uri === undefined ? {} : { uri }),
    ...(channels === undefined ? {} : { channels }),
    descriptors,
  };
}
