import type { JsonValue } from '@godwit/json';
import { NativeUnavailableError, systemReason } from '@godwit/native';
import { decode, QapiError } from '@godwit/qapi/runtime';
import { type PropertyDefinition, parseProperties } from '@godwit/vfio';
import { VfioUserClient } from '@godwit/vfio-user';
import { protocol, type SocketAddress } from '../../generated/index.js';
import { nestDottedKeys } from '../../options/dotted-keys.js';
import { plainProperties, propertyInfo, VFIO_DEVICE_PROPERTIES } from '../device-properties.js';
import { DeviceWiring } from '../device-wiring.js';
import type { DeviceDriver } from '../drivers.js';
import { splitVfioProperties } from '../split-properties.js';
import { VfioDevice } from '../vfio-device.js';
import { RemoteFunction } from './remote-function.js';

/** How long a server may take for an ordinary answer; after that it is taken for gone. A vCPU waits no longer. */
const MESSAGE_TIMEOUT: PropertyDefinition = {
  name: 'x-msg-timeout',
  type: 'milliseconds',
  default: 5000,
  minimum: 1,
  description: 'milliseconds to wait for an answer of the server',
};

/** `-device vfio-user-pci,socket=PATH`: a device that another process serves, and that migrates with the machine. */
export const vfioUserPci: DeviceDriver = {
  name: 'vfio-user-pci',
  properties: () => [
    { name: 'socket', type: 'SocketAddress', description: 'the socket at which the device is served' },
    propertyInfo(MESSAGE_TIMEOUT),
    ...VFIO_DEVICE_PROPERTIES.map(propertyInfo),
  ],
  async create({ id, type, properties: given }, { clock, native, ram, emit, deliverEvents, warn }) {
    const { socket, ...others } = nestDottedKeys(given);
    const [properties, rest] = splitVfioProperties(type, plainProperties(others));
    const timeoutMs = parseProperties(type, [MESSAGE_TIMEOUT], rest).number(MESSAGE_TIMEOUT.name);
    const path = socketPath(socket);
    if (native === undefined) throw new NativeUnavailableError('a vfio-user device', 'it is not loaded');
    const wiring = new DeviceWiring();
    const name = id ?? path;
    let failure: string | undefined;
    let released = false;
    const client = await connect(path, {
      native,
      clock,
      timeoutMs,
      closed: (error) => {
        if (released) return;
        failure = `the vfio-user server is gone${error === undefined ? '' : `: ${error.message}`}`;
        warn(`${name}: ${failure}`);
      },
    });
    try {
      const remote = await RemoteFunction.open({
        native,
        client,
        ram,
        raised: () => wiring.interrupt(),
        failed: (error) => warn(`${name}: ${error.message}`),
      });
      const device = new VfioDevice({
        typeName: type,
        id,
        device: remote.device,
        regions: remote.windows,
        config: remote.config,
        wiring,
        compatible: `vfio-user,${remote.config.identity}`,
        properties,
        clock,
        emit,
        deliverEvents,
        unsupported: !remote.migratable,
        failure: () => failure,
        release: () => {
          released = true;
          remote.close();
        },
      });
      device.addProperty('socket', { type: 'SocketAddress' });
      device.addProperty(MESSAGE_TIMEOUT.name, { type: 'uint32', get: () => timeoutMs });
      return device;
    } catch (cause) {
      released = true;
      client.close();
      // The prefix is QEMU's.
      throw new QapiError('GenericError', `vfio vfio-user:${path}: ${systemReason(cause)}`, { cause });
    }
  },
};

async function connect(
  path: string,
  options: Parameters<typeof VfioUserClient.connect>[1],
): Promise<VfioUserClient> {
  try {
    return await VfioUserClient.connect(path, options);
  } catch (cause) {
    throw new QapiError('GenericError', `Failed to connect to '${path}': ${systemReason(cause)}`, { cause });
  }
}

/** The path of `socket=PATH`, or of QEMU's object. @throws QapiError */
function socketPath(socket: JsonValue | undefined): string {
  if (socket === undefined) throw new QapiError('GenericError', 'No socket specified');
  if (typeof socket === 'string') return socket;
  const address = decode(protocol, 'SocketAddress', socket) as SocketAddress;
  if (address.type === 'unix') return address.path;
  throw new QapiError('GenericError', `Unsupported socket type ${address.type}`);
}
