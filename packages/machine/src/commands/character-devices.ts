import { QapiError } from '@godwit/qapi/runtime';
import { chardevFromBackend } from '../chardev/backend.js';
import { CHARDEV_KINDS } from '../chardev/configuration.js';
import type { RingBuffer } from '../chardev/ring-buffer.js';
import type { Machine } from '../machine.js';
import type { CommandHandlers } from './command-call.js';

/** The most bytes that ringbuf-read takes at once. */
const MAX_READ = 1n << 20n;

export const characterDeviceCommands = {
  'query-chardev': (_, { machine }) =>
    machine.chardevs.list().map((device) => ({
      label: device.id,
      filename: device.filename,
      'frontend-open': device.frontend !== undefined,
    })),

  'query-chardev-backends': () => CHARDEV_KINDS.map((name) => ({ name })),

  'chardev-add': async ({ id, backend }, { machine, monitor }) => {
    if (machine.chardevs.has(id))
      throw new QapiError('GenericError', `Chardev with id '${id}' already exists`);
    await machine.chardevs.add(chardevFromBackend(id, backend, monitor.descriptors));
    return {};
  },

  'chardev-change': async ({ id, backend }, { machine, monitor }) => {
    machine.chardevs.require(id);
    await machine.chardevs.change(chardevFromBackend(id, backend, monitor.descriptors));
    return {};
  },

  'chardev-remove': ({ id }, { machine }) => machine.chardevs.remove(id),

  // None of the kinds has a line on which a break could be sent; as in QEMU that is no error.
  'chardev-send-break': ({ id }, { machine }) => {
    machine.chardevs.require(id);
  },

  'ringbuf-write': ({ device, data, format = 'utf8' }, { machine }) => {
    findRing(machine, device).write(Buffer.from(data, format));
  },

  'ringbuf-read': ({ device, size, format = 'utf8' }, { machine }) => {
    const ring = findRing(machine, device);
    if (size <= 0n) throw new QapiError('GenericError', 'size must be greater than zero');
    return ring.read(Number(size > MAX_READ ? MAX_READ : size)).toString(format as BufferEncoding);
  },
} satisfies Partial<CommandHandlers>;

function findRing({ chardevs }: Machine, id: string): RingBuffer {
  if (!chardevs.has(id)) throw new QapiError('GenericError', `Device '${id}' not found`);
  const { ring } = chardevs.require(id);
  if (ring === undefined) throw new QapiError('GenericError', `${id} is not a ringbuf device`);
  return ring;
}
