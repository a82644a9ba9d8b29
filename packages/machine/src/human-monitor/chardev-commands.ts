import { CHARDEV_KINDS } from '../chardev/configuration.js';
import { chardevFromOptions, chardevsFromOptions } from '../chardev/options.js';
import { characterDeviceCommands } from '../commands/character-devices.js';
import { OPTION_GROUPS } from '../options/groups.js';
import { OptionError } from '../options/option-error.js';
import { type OptionValues, parseOptionGroup } from '../options/option-group.js';
import { type MonitorCommand, type MonitorContext, quietly } from './command.js';
import { MonitorError } from './monitor-error.js';

/** Character devices. */
export const CHARDEV_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'chardev-add',
    arguments: [{ name: 'args', kind: 'string' }],
    usage: 'args',
    help: 'add chardev',
    completions: (_, position) => (position === 0 ? CHARDEV_KINDS : []),
    run: async (args, context) => {
      const { machine } = context;
      const text = args.text('args');
      if (/^(?:help|\?)(?:,|$)/.test(text)) {
        return `Available chardev backend types: \n${CHARDEV_KINDS.map((kind) => `  ${kind}\n`).join('')}`;
      }
      const values = parseChardev(text, context);
      if (values.id === undefined) throw new OptionError('chardev: no id specified');
      for (const chardev of chardevsFromOptions(String(values.id), values))
        await machine.chardevs.add(chardev);
      return '';
    },
  },
  {
    name: 'chardev-change',
    arguments: [
      { name: 'id', kind: 'string' },
      { name: 'args', kind: 'string' },
    ],
    usage: 'id args',
    help: 'change chardev',
    run: async (args, context) => {
      const { machine } = context;
      const values = parseChardev(args.text('args'), context);
      if (values.id !== undefined) throw new Error("Unexpected 'id' parameter");
      await machine.chardevs.change(chardevFromOptions(args.text('id'), values));
      return '';
    },
  },
  {
    name: 'chardev-remove',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'remove chardev',
    completions: labels,
    run: (args, { machine }) => quietly(machine.chardevs.remove(args.text('id'))),
  },
  {
    name: 'chardev-send-break',
    arguments: [{ name: 'id', kind: 'string' }],
    usage: 'id',
    help: 'send a break on chardev',
    completions: labels,
    run: (args, context) =>
      quietly(characterDeviceCommands['chardev-send-break']({ id: args.text('id') }, context)),
  },
  {
    name: 'ringbuf_read',
    arguments: [
      { name: 'device', kind: 'string' },
      { name: 'size', kind: 'integer' },
    ],
    usage: 'device size',
    help: 'Read from a ring buffer character device',
    completions: rings,
    run: (args, context) => {
      const text = characterDeviceCommands['ringbuf-read'](
        { device: args.text('device'), size: args.number('size') },
        context,
      );
      return `${text.replaceAll(UNPRINTABLE, escaped)}\n`;
    },
  },
  {
    name: 'ringbuf_write',
    arguments: [
      { name: 'device', kind: 'string' },
      { name: 'data', kind: 'string' },
    ],
    usage: 'device data',
    help: 'Write to a ring buffer character device',
    completions: rings,
    run: (args, context) =>
      quietly(
        characterDeviceCommands['ringbuf-write'](
          { device: args.text('device'), data: args.text('data') },
          context,
        ),
      ),
  },
];

/** Control characters but for tab and newline, and the backslash itself. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const UNPRINTABLE = /[\x00-\x08\x0b-\x1f\x7f\\]/g;

function escaped(character: string): string {
  if (character === '\\') return '\\\\';
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** The parameters of a character device; what is wrong with them is said in two lines. Descriptors are named here. */
function parseChardev(text: string, { monitor }: MonitorContext): OptionValues {
  try {
    const values = parseOptionGroup(OPTION_GROUPS.chardev, text);
    if (typeof values.fd === 'string') values.fd = String(monitor.descriptors.take(values.fd));
    return values;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    throw new MonitorError(`${error.withHint}\nError: Parsing chardev args failed`);
  }
}

function labels({ machine }: MonitorContext, position: number): string[] {
  return position === 0 ? machine.chardevs.list().map(({ id }) => id) : [];
}

function rings({ machine }: MonitorContext, position: number): string[] {
  if (position !== 0) return [];
  return machine.chardevs.list().flatMap(({ id, ring }) => (ring === undefined ? [] : [id]));
}
