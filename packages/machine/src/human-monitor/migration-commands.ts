import { migrationCommands } from '../commands/migration.js';
import { COMMAND_HANDLERS } from '../commands/table.js';
import { type MigrationCapability, type MigrationStatus, protocol } from '../generated/index.js';
import { isCapability } from '../migration/capabilities.js';
import { parameterFromText } from '../migration/parameters.js';
import { type MonitorArguments, type MonitorCommand, type MonitorContext, quietly } from './command.js';

/** Migrations: to elsewhere, and to where a snapshot is kept. */
export const MIGRATION_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'migrate',
    arguments: [
      { name: 'd', kind: 'flag' },
      { name: 'r', kind: 'flag' },
      { name: 'uri', kind: 'string' },
    ],
    usage: '[-d] [-r] uri',
    help: 'migrate to URI (using -d to not wait for completion)\n\t\t\t -r to resume a paused migration',
    run: (args, context) => migrate(args, context),
  },
  {
    name: 'migrate_cancel',
    arguments: [],
    usage: '',
    help: 'cancel the current VM migration',
    run: (_, context) => quietly(migrationCommands.migrate_cancel(undefined, context)),
  },
  {
    name: 'migrate_continue',
    arguments: [{ name: 'state', kind: 'string' }],
    usage: 'state',
    help: 'Continue migration from the given paused state',
    run: (args, context) => {
      const state = args.text('state');
      if (!isMigrationStatus(state)) throw invalidValue(state);
      return quietly(migrationCommands['migrate-continue']({ state }, context));
    },
  },
  {
    name: 'migrate_incoming',
    arguments: [{ name: 'uri', kind: 'string' }],
    usage: 'uri',
    help: 'Continue an incoming migration from an -incoming defer',
    run: (args, context) =>
      quietly(migrationCommands['migrate-incoming']({ uri: args.text('uri') }, context)),
  },
  {
    name: 'migrate_pause',
    arguments: [],
    usage: '',
    help: 'Pause an ongoing migration (postcopy-only)',
    run: (_, context) => quietly(COMMAND_HANDLERS['migrate-pause'](undefined, context)),
  },
  {
    name: 'migrate_recover',
    arguments: [{ name: 'uri', kind: 'string' }],
    usage: 'uri',
    help: 'Continue a paused incoming postcopy migration',
    run: (args, context) => quietly(COMMAND_HANDLERS['migrate-recover']({ uri: args.text('uri') }, context)),
  },
  {
    name: 'migrate_set_capability',
    arguments: [
      { name: 'capability', kind: 'string' },
      { name: 'state', kind: 'switch' },
    ],
    usage: 'capability state',
    help: 'Enable/Disable the usage of a capability for migration',
    completions: ({ machine }, position) => {
      if (position === 1) return ['on', 'off'];
      return position === 0 ? machine.migrations.capabilities.list().map(({ capability }) => capability) : [];
    },
    run: (args, context) => {
      const capability = args.text('capability');
      if (!isCapability(capability)) throw invalidValue(capability);
      return quietly(
        migrationCommands['migrate-set-capabilities'](
          {
            capabilities: [
              { capability: capability satisfies MigrationCapability, state: args.isOn('state') },
            ],
          },
          context,
        ),
      );
    },
  },
  {
    name: 'migrate_set_parameter',
    arguments: [
      { name: 'parameter', kind: 'string' },
      { name: 'value', kind: 'string' },
    ],
    usage: 'parameter value',
    help: 'Set the parameter for migration',
    completions: ({ machine }, position) =>
      position === 0 ? Object.keys(machine.migrations.parameters.values) : [],
    run: (args, context) => {
      const changes = parameterFromText(args.text('parameter'), args.text('value'));
      return quietly(migrationCommands['migrate-set-parameters'](changes, context));
    },
  },
];

/** Without -d the line is done when the migration is; who sends lines by human-monitor-command is not made to wait. */
async function migrate(args: MonitorArguments, context: MonitorContext): Promise<string> {
  await migrationCommands.migrate(
    { uri: args.text('uri'), ...(args.isOn('r') ? { resume: true } : {}) },
    context,
  );
  if (args.isOn('d')) return '';
  if (context.terminal === undefined) {
    return 'terminal does not allow synchronous migration, continuing detached\n';
  }
  await context.machine.migrations.outgoingEnded();
  const { status, 'error-desc': error } = context.machine.migrations.info();
  if (status === 'failed') throw new Error(error ?? 'the migration failed');
  return '';
}

function isMigrationStatus(text: string): text is MigrationStatus {
  const { MigrationStatus: type } = protocol.types;
  return type?.kind === 'enum' && type.values.includes(text);
}

function invalidValue(text: string): Error {
  return new Error(`invalid parameter value: ${text}`);
}
