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
    const { chardevs } = machine;
    const configuration = () => chardevFromBackend(id, backend, monitor.descriptors);
    if (chardevs.changeable(id).frontend !== undefined) {
      return chardevReturn(await chardevs.change(configuration()));
    }
    // As with QEMU, one that nobody uses is removed, and then added anew if that is possible.
    await chardevs.remove(id);
    return adding(id, () => chardevs.add(configuration()));
  },

  'chardev-remove': ({ id }, { machine }) => machine.chardevs.remove(id),

  'chardev-send-break': ({ id }, { machine }) => {
    machine.chardevs.require(id).receiveBreak();
  },

  'ringbuf-write': ({ device, data, format = 'utf8' }, { machine }) => {
    const ring = findRing(machine, device);
    if (format === 'base64' && !/^[A-Za-z0-9+/=\n]*$/.test(data)) {
      throw new QapiError('GenericError', 'Base64 data contains invalid characters');
    }
    ring.write(format === 'base64' ? wholeGroups(data) : Buffer.from(data, format));
  },

  'ringbuf-read': ({ device, size, format = 'utf8' }, { machine }) => {
    const ring = findRing(machine, device);
    if (size <= 0n) throw new QapiError('GenericError', 'size must be greater than zero');
    return ring.read(Number(size > MAX_READ ? MAX_READ : size)).toString(format as BufferEncoding);
  },
} satisfies Partial<CommandHandlers>;

/** Of Base64, line ends between groups do not count, nor does a group at the end that is cut short. */
function wholeGroups(text: string): Buffer {
  const digits = text.replaceAll('\n', '');
  return Buffer.from(digits.slice(0, digits.length - (digits.length % 4)), 'base64');
}

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
