import type { JsonValue } from '@godwit/json';
import { NativeUnavailableError } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import { type MemoryRange, RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import type { GuestMemory } from '../memory/index.js';
import { systemReason } from '../system-reason.js';
import { plainProperties, propertyInfo, VFIO_DEVICE_PROPERTIES } from './device-properties.js';
import { DeviceWiring } from './device-wiring.js';
import type { DeviceDriver } from './drivers.js';
import { splitVfioProperties } from './split-properties.js';
import { VfioDevice } from './vfio-device.js';

/** VFIO_PCI_CONFIG_REGION_INDEX of linux/vfio.h. */
const CONFIG_REGION = 7;

/**
 * `-device vfio-user-pci,socket=PATH`: a device that another process serves. It reaches guest RAM by itself and migrates
 * with the machine. The embedded guest has no driver for it, so its registers are not placed on the bus.
 */
export const vfioUserPci: DeviceDriver = {
  name: 'vfio-user-pci',
  properties: () => [
    { name: 'socket', type: 'str', description: 'path of the socket at which the device is served' },
    ...VFIO_DEVICE_PROPERTIES.map(propertyInfo),
  ],
  async create({ id, type, properties: given }, { clock, native, ram, emit, flushEvents, warn }) {
    const { socket, ...others } = given;
    const [properties, unknown] = splitVfioProperties(type, plainProperties(others));
    for (const name of Object.keys(unknown)) {
      throw new QapiError('GenericError', `Property '${type}.${name}' not found`);
    }
    if (native === undefined) throw new NativeUnavailableError('a vfio-user device', 'it is not loaded');
    const path = socketPath(type, socket);
    let client: VfioUserClient;
    try {
      client = await VfioUserClient.connect(path, {
        native,
        clock,
        closed: (error) => {
          if (error !== undefined) warn(`${id ?? path}: the vfio-user server is gone: ${error.message}`);
        },
      });
    } catch (cause) {
      throw new QapiError('GenericError', `Failed to connect socket ${path}: ${systemReason(cause)}`, {
        cause,
      });
    }
    try {
      // From here on the server may write to it.
      ram.markUsed();
      for (const range of memoryRanges(ram)) await client.mapMemory(range);
      const identity = Buffer.alloc(4);
      await client.readRegion(CONFIG_REGION, 0, identity);
      return new VfioDevice({
        typeName: type,
        id,
        device: await RemoteDevice.of(client),
        regions: [],
        wiring: new DeviceWiring(),
        compatible: `vfio-user,${hex(identity.readUInt16LE(0))}:${hex(identity.readUInt16LE(2))}`,
        properties,
        clock,
        emit,
        flushEvents,
      });
    } catch (error) {
      client.close();
      throw error;
    }
  },
};

/** `socket=PATH`, or QEMU's object: `{"type": "unix", "path": PATH}`. */
function socketPath(owner: string, socket: JsonValue | undefined): string {
  if (typeof socket === 'string') return socket;
  if (socket !== null && typeof socket === 'object' && 'path' in socket && typeof socket.path === 'string') {
    return socket.path;
  }
  throw new QapiError('GenericError', `'${owner}' needs the property 'socket', the path of a unix socket`);
}

function* memoryRanges({ segments, fd }: GuestMemory): Iterable<MemoryRange> {
  for (const { address, bytes } of segments) {
    yield { address, bytes, ...(fd === undefined ? {} : { file: { fd, offset: address } }) };
  }
}

function hex(id: number): string {
  return id.toString(16).padStart(4, '0');
}
