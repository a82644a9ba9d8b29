import { QapiError } from '@godwit/qapi/runtime';
import { chardevFromBackend } from '../chardev/backend.js';
import { CHARDEV_KINDS } from '../chardev/configuration.js';
import type { CharacterDevice } from '../chardev/index.js';
import type { RingBuffer } from '../chardev/ring-buffer.js';
import type { ChardevReturn } from '../generated/index.js';
import type { Machine } from '../machine.js';
import type { CommandHandlers } from './command-call.js';

/** The most bytes that ringbuf-read takes at once. */
const MAX_READ = 1n << 20n;

export const characterDeviceCommands = {
  'query-chardev': (_, { machine }) =>
    machine.chardevs.list().map((device) => ({
      label: device.id,
      filename: device.filename,
      'frontend-open': device.used,
    })),

  'query-chardev-backends': () => CHARDEV_KINDS.map((name) => ({ name })),

  'chardev-add': ({ id, backend }, { machine, monitor }) => {
    if (machine.chardevs.has(id))
      throw new QapiError('GenericError', `Chardev with id '${id}' already exists`);
    return adding(id, () => machine.chardevs.add(chardevFromBackend(id, backend, monitor.descriptors)));
  },

  'chardev-change': async ({ id, backend }, { machine, monitor }) => {
    const { used } = machine.chardevs.changeable(id, backend.type);
    const change = () => machine.chardevs.change(chardevFromBackend(id, backend, monitor.descriptors));
    // One that nobody uses is made anew.
    return used ? change().then(chardevReturn) : adding(id, change);
  },

  'chardev-remove': ({ id }, { machine }) => machine.chardevs.remove(id),

  // None of the kinds has a line on which a break could be sent; as in QEMU that is no error.
  'chardev-send-break': ({ id }, { machine }) => {
    machine.chardevs.require(id);
  },

  'ringbuf-write': ({ device, data, format = 'utf8' }, { machine }) => {
    const ring = findRing(machine, device);
    if (
      format === 'base64' &&
      !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=))?$/.test(data)
    ) {
      throw new QapiError('GenericError', 'Base64 data contains invalid characters');
    }
    ring.write(Buffer.from(data, format));
  },

  'ringbuf-read': ({ device, size, format = 'utf8' }, { machine }) => {
    const ring = findRing(machine, device);
    if (size <= 0n) throw new QapiError('GenericError', 'size must be greater than zero');
    return ring.read(Number(size > MAX_READ ? MAX_READ : size)).toString(format as BufferEncoding);
  },
} satisfies Partial<CommandHandlers>;

/** @throws QapiError that names the device which could not be opened */
async function adding(id: string, open: () => Promise<CharacterDevice>): Promise<ChardevReturn> {
  try {
    return chardevReturn(await open());
  } catch (cause) {
    throw new QapiError('GenericError', `Failed to add chardev '${id}': ${(cause as Error).message}`, {
      cause,
    });
  }
}

function chardevReturn({ terminalPath }: CharacterDevice): ChardevReturn {
  return terminalPath === undefined ? {} : { pty: terminalPath };
}

function findRing({ chardevs }: Machine, id: string): RingBuffer {
  if (!chardevs.has(id)) throw new QapiError('GenericError', `Device '${id}' not found`);
  const { ring } = chardevs.require(id);
  if (ring === undefined) throw new QapiError('GenericError', `${id} is not a ringbuf device`);
  return ring;
}
