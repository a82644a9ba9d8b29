import type { Clock } from '@godwit/clock';
import { parse as parseJson, stringify } from '@godwit/json';
import { chardevFromOptions } from '../chardev/configuration.js';
import { descriptorCommands } from '../commands/descriptors.js';
import { deviceCommands } from '../commands/devices.js';
import { migrationCommands } from '../commands/migration.js';
import { objectCommands } from '../commands/objects.js';
import { runStateCommands } from '../commands/run-state.js';
import type { Commands, MigrationCapability } from '../generated/index.js';
import { isCapability } from '../migration/capabilities.js';
import { parameterFromText } from '../migration/parameters.js';
import { objectConfiguration } from '../options/configuration.js';
import { OPTION_GROUPS } from '../options/groups.js';
import { parseOptionGroup } from '../options/option-group.js';
import type { MonitorArguments, MonitorCommand, MonitorContext } from './command.js';
import { DISPLAY_COMMANDS } from './display-commands.js';
import { printNumber } from './dump-format.js';
import { dumpMemory } from './memory.js';
import { MonitorError } from './monitor-error.js';
import { PORT_COMMANDS } from './port-commands.js';

/** The commands of the human monitor, but for `info` and `help`. Names, arguments and texts are QEMU's. */
export const MONITOR_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'chardev-add',
    arguments: [{ name: 'args', kind: 'rest' }],
    usage: 'args',
    help: 'add chardev',
    run: async (args, { machine }) => {
      const values = parseOptionGroup(OPTION_GROUPS.chardev, args.text('args'));
      await machine.chardevs.add(chardevFromOptions(String(values.id), values));
      return '';
    },
  },
  {
    name: 'chardev-change',
    arguments: [
      { name: 'id', kind: 'string' },
      { name: 'args', kind: 'rest' },
    ],
    usage: 'id args',
    help: 'change chardev',
    run: async (args, { machine }) => {
      const id = args.text('id');
      const values = parseOptionGroup(OPTION_GROUPS.chardev, `${args.text('args')},id=${id}`);
      await machine.chardevs.change(chardevFromOptions(id, values));
      return '';
    },
  },
  {
    name: 'chardev-remove',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'remove chardev',
    run: async (args, { machine }) => {
      await machine.chardevs.remove(args.text('id'));
      return '';
    },
  },
  {
    name: 'chardev-send-break',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'send a break on chardev',
    run: (args, { machine }) => {
      machine.chardevs.require(args.text('id'));
      return '';
    },
  },
  {
    name: 'closefd',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'closefd name',
    help: 'close a file descriptor previously passed via SCM rights',
    run: (args, context) => quietly(descriptorCommands.closefd({ fdname: args.text('name') }, context)),
  },
  {
    name: 'cont',
    alias: 'c',
    arguments: [],
    usage: '',
    help: 'resume emulation',
    run: (_, context) => quietly(runStateCommands.cont(undefined, context)),
  },
  {
    name: 'cpu',
    arguments: [{ name: 'index', kind: 'expression' }],
    usage: 'index',
    help: 'set the default CPU',
    run: (args, context) => {
      const index = Number(args.number('index'));
      if (context.machine.hardware.accelerator.vcpus[index] === undefined)
        throw new MonitorError('invalid CPU index');
      context.cpuIndex = index;
      return '';
    },
  },
  {
    name: 'delvm',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'tag',
    help: 'delete a VM snapshot from its tag',
    run: (args, { machine }) => quietly(machine.snapshots.delete(args.text('name'))),
  },
  {
    name: 'device_add',
    arguments: [{ name: 'device', kind: 'rest', optional: true }],
    usage: 'driver[,prop=value][,...]',
    help: 'add device, like -device on the command line',
    run: (args, context) => {
      const members = parseOptionGroup(OPTION_GROUPS.device, args.text('device'));
      return quietly(deviceCommands.device_add(textsOf(members) as DeviceAddMembers, context));
    },
  },
  {
    name: 'device_del',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'device',
    help: 'remove device',
    run: (args, context) => quietly(deviceCommands.device_del({ id: args.text('id') }, context)),
  },
  {
    name: 'getfd',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'getfd name',
    help: 'receive a file descriptor via SCM rights and assign it a name',
    run: (args, context) => quietly(descriptorCommands.getfd({ fdname: args.text('name') }, context)),
  },
  {
    name: 'loadvm',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'tag',
    help: 'restore a VM snapshot from its tag',
    run: (args, { machine }) => quietly(machine.snapshots.load(args.text('name'))),
  },
  {
    name: 'migrate',
    arguments: [
      { name: 'd', kind: 'flag' },
      { name: 'uri', kind: 'string' },
    ],
    usage: '[-d] uri',
    help: 'migrate to URI (using -d to not wait for completion)',
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
    name: 'migrate_set_capability',
    arguments: [
      { name: 'capability', kind: 'string' },
      { name: 'state', kind: 'switch' },
    ],
    usage: 'capability state',
    help: 'Enable/Disable the usage of a capability for migration',
    run: (args, context) => {
      const capability = args.text('capability');
      if (!isCapability(capability)) throw new Error(`invalid parameter value: ${capability}`);
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
    run: (args, context) => {
      const changes = parameterFromText(args.text('parameter'), args.text('value'));
      return quietly(migrationCommands['migrate-set-parameters'](changes, context));
    },
  },
  {
    name: 'object_add',
    arguments: [{ name: 'object', kind: 'rest' }],
    usage: '[qom-type=]type,id=str[,prop=value][,...]',
    help: 'create QOM object',
    run: (args, { machine }) => {
      const members = parseOptionGroup(OPTION_GROUPS.object, args.text('object'));
      return quietly(machine.objects.add(objectConfiguration(textsOf(members), 'qom-type')));
    },
  },
  {
    name: 'object_del',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'destroy QOM object',
    run: (args, { machine }) => quietly(machine.objects.remove(args.text('id'))),
  },
  {
    name: 'print',
    alias: 'p',
    arguments: [
      { name: 'format', kind: 'format' },
      { name: 'value', kind: 'expression' },
    ],
    usage: '/fmt expr',
    help: 'print expression value (use $reg for CPU register access)',
    run: (args) => `${printNumber(args.number('value'), args.format('format')?.format ?? 'd')}\n`,
  },
  {
    name: 'qom-get',
    arguments: [
      { name: 'path', kind: 'string' },
      { name: 'property', kind: 'string' },
    ],
    usage: 'path property',
    help: 'print QOM property',
    run: async (args, context) => {
      const value = await objectCommands['qom-get'](
        { path: args.text('path'), property: args.text('property') },
        context,
      );
      return `${stringify(value, { pretty: true })}\n`;
    },
  },
  {
    name: 'qom-list',
    arguments: [{ name: 'path', kind: 'string', optional: true }],
    usage: 'path',
    help: 'list QOM properties',
    run: (args, context) => {
      const path = args.optionalText('path');
      if (path === undefined) return '/\n';
      return objectCommands['qom-list']({ path }, context)
        .map(({ name, type }) => `${name} (${type})\n`)
        .join('');
    },
  },
  {
    name: 'qom-set',
    arguments: [
      { name: 'j', kind: 'flag' },
      { name: 'path', kind: 'string' },
      { name: 'property', kind: 'string' },
      { name: 'value', kind: 'rest' },
    ],
    usage: '[-j] path property value',
    help: 'set QOM property.\n\t\t\t -j: the value is specified in json format.',
    run: (args, context) => {
      const text = args.text('value');
      const value =
        args.isOn('j') || /^(?:-?\d+|true|false)$/.test(text) ? parseJson(text) : switchValue(text);
      return quietly(
        objectCommands['qom-set'](
          { path: args.text('path'), property: args.text('property'), value },
          context,
        ),
      );
    },
  },
  {
    name: 'quit',
    alias: 'q',
    arguments: [],
    usage: '',
    help: 'quit the emulator',
    run: (_, context) => quietly(runStateCommands.quit(undefined, context)),
  },
  {
    name: 'savevm',
    arguments: [{ name: 'name', kind: 'string', optional: true }],
    usage: 'tag',
    help: 'save a VM snapshot. If no tag is provided, a new snapshot is created',
    run: (args, { machine }) =>
      quietly(machine.snapshots.save(args.optionalText('name') ?? snapshotName(machine.environment.clock))),
  },
  {
    name: 'stop',
    alias: 's',
    arguments: [],
    usage: '',
    help: 'stop emulation',
    run: (_, context) => quietly(runStateCommands.stop(undefined, context)),
  },
  {
    name: 'system_powerdown',
    arguments: [],
    usage: '',
    help: 'send system power down event',
    run: (_, context) => quietly(runStateCommands.system_powerdown(undefined, context)),
  },
  {
    name: 'system_reset',
    arguments: [],
    usage: '',
    help: 'reset the system',
    run: (_, context) => quietly(runStateCommands.system_reset(undefined, context)),
  },
  {
    name: 'x',
    arguments: [
      { name: 'format', kind: 'format' },
      { name: 'address', kind: 'expression' },
    ],
    usage: '/fmt addr',
    help: "virtual memory dump starting at 'addr'",
    run: (args, { machine }) => dumpMemory(machine, args),
  },
  {
    name: 'xp',
    arguments: [
      { name: 'format', kind: 'format' },
      { name: 'address', kind: 'expression' },
    ],
    usage: '/fmt addr',
    help: "physical memory dump starting at 'addr'",
    run: (args, { machine }) => dumpMemory(machine, args),
  },
  ...DISPLAY_COMMANDS,
  ...PORT_COMMANDS,
];

/** What device_add takes; it says itself what is missing. */
type DeviceAddMembers = Commands['device_add']['args'];

/** A command that prints nothing when it succeeds. */
async function quietly(done: Promise<unknown> | unknown): Promise<string> {
  await done;
  return '';
}

function textsOf(values: Readonly<Record<string, string | boolean | bigint>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** As QEMU names a snapshot that was given no name: `vm-20260117093000`. */
function snapshotName(clock: Clock): string {
  const now = new Date(clock.wallMicroseconds() / 1000);
  return `vm-${now.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}`;
}

/** `on` and `off` are booleans, as option strings have it; other text is text. */
function switchValue(text: string): boolean | string {
  if (text === 'on') return true;
  return text === 'off' ? false : text;
}

/** Without -d the line is done when the migration is. */
async function migrate(args: MonitorArguments, context: MonitorContext): Promise<string> {
  await migrationCommands.migrate({ uri: args.text('uri') }, context);
  if (args.isOn('d')) return '';
  await context.machine.migrations.outgoingEnded();
  const { status, 'error-desc': error } = context.machine.migrations.info();
  if (status === 'failed') throw new Error(error ?? 'the migration failed');
  return '';
}
