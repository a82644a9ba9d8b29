import { type JsonObject, type JsonValue, parse as parseJson, stringify } from '@godwit/json';
import { deviceCommands } from '../commands/devices.js';
import { objectCommands } from '../commands/objects.js';
import { DRIVER_NAMES } from '../devices/index.js';
import type { Commands } from '../generated/index.js';
import type { Machine } from '../machine.js';
import { userObjectProperties } from '../objects/index.js';
import { objectConfiguration } from '../options/configuration.js';
import { parseKeyval } from '../options/keyval.js';
import type { OptionValues } from '../options/option-group.js';
import { parseBoolean } from '../options/values.js';
import type { QomObject } from '../qom/object.js';
import { resolvePath } from '../qom/path.js';
import { OBJECT_TYPES } from '../qom/types.js';
import { type MonitorArguments, type MonitorCommand, type MonitorContext, quietly } from './command.js';

const CREATABLE = OBJECT_TYPES.filter(({ userCreatable }) => userCreatable === true).map(({ name }) => name);

/** Objects and devices. */
export const OBJECT_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'device_add',
    arguments: [{ name: 'device', kind: 'options' }],
    usage: 'driver[,prop=value][,...]',
    help: 'add device, like -device on the command line',
    completions: (_, position) => (position === 0 ? DRIVER_NAMES : []),
    run: (args, context) => {
      const members = textsOf(args.options('device'));
      if (members.driver === 'help' || members.driver === '?') {
        return `Misc devices:\n${DRIVER_NAMES.map((name) => `name "${name}"\n`).join('')}`;
      }
      return quietly(deviceCommands.device_add(members as DeviceAddMembers, context));
    },
  },
  {
    name: 'device_del',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'device',
    help: 'remove device',
    completions: ({ machine }, position) =>
      position === 0 ? machine.hardware.devices.flatMap(({ id }) => (id === '' ? [] : [id])) : [],
    run: (args, context) => quietly(deviceCommands.device_del({ id: args.text('id') }, context)),
  },
  {
    name: 'object_add',
    arguments: [{ name: 'object', kind: 'rest' }],
    usage: '[qom-type=]type,id=str[,prop=value][,...]',
    help: 'create QOM object',
    preconfig: true,
    completions: (_, position) => (position === 0 ? CREATABLE : []),
    run: addObject,
  },
  {
    name: 'object_del',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'destroy QOM object',
    preconfig: true,
    completions: ({ machine }, position) => (position === 0 ? [...machine.tree.objects.children.keys()] : []),
    run: (args, { machine }) => quietly(machine.objects.remove(args.text('id'))),
  },
  {
    name: 'qom-get',
    arguments: [
      { name: 'path', kind: 'string' },
      { name: 'property', kind: 'string' },
    ],
    usage: 'path property',
    help: 'print QOM property',
    preconfig: true,
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
    preconfig: true,
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
    help: 'set QOM property.\n\t\t\t-j: the value is specified in json format.',
    preconfig: true,
    run: (args, context) => {
      const text = args.text('value');
      const { tree } = context.machine;
      const value = args.isOn('j')
        ? parseJson(text)
        : propertyValue(resolvePath(tree.root, args.text('path'), 'not-found'), args.text('property'), text);
      return quietly(
        objectCommands['qom-set'](
          { path: args.text('path'), property: args.text('property'), value },
          context,
        ),
      );
    },
  },
];

/** What device_add takes; it says itself what is missing. */
type DeviceAddMembers = Commands['device_add']['args'];

function addObject(args: MonitorArguments, { machine }: MonitorContext): Promise<string> | string {
  const text = args.text('object');
  if (text.startsWith('{')) return create(machine, parseJson(text) as JsonObject);
  const { values, help } = parseKeyval(text, 'qom-type');
  if (!help) return create(machine, values);
  const { 'qom-type': type } = values;
  if (type === undefined) {
    return `List of user creatable objects:\n${[...CREATABLE]
      .sort()
      .map((name) => `  ${name}\n`)
      .join('')}`;
  }
  if (!CREATABLE.includes(type)) return create(machine, values);
  const options = userObjectProperties(type).map((property) => `  ${property.name}=<${property.type}>\n`);
  return options.length === 0
    ? `There are no options for ${type}.\n`
    : `${type} options:\n${options.sort().join('')}`;
}

function create({ objects }: Machine, members: JsonObject): Promise<string> {
  return quietly(objects.add(objectConfiguration(members, 'qom-type')));
}

function textsOf(values: OptionValues): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

/** The value that a text stands for, by the type of the property. */
function propertyValue(object: QomObject, property: string, text: string): JsonValue {
  switch (object.properties.get(property)?.type) {
    case 'int':
      if (!/^-?(?:0x[0-9a-f]+|\d+)$/i.test(text)) throw new Error(`Parameter '${property}' expects int64`);
      return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
    case 'bool':
      return parseBoolean(property, text);
    default:
      return /^(?:-?\d+|true|false)$/.test(text) ? parseJson(text) : text;
  }
}
