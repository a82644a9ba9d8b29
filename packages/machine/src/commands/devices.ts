import { QapiError } from '@godwit/qapi/runtime';
import { VfioDevice } from '../devices/index.js';
import type { Machine } from '../machine.js';
import { objectConfiguration } from '../options/configuration.js';
import { resolvePath } from '../qom/path.js';
import { deviceProperties } from '../qom/type-properties.js';
import type { CommandHandlers } from './command-call.js';

export const deviceCommands = {
  'device-list-properties': ({ typename }) => deviceProperties(typename),

  device_add: async ({ bus, ...members }, { machine }) => {
    const admit = () => {
      if (bus !== undefined) throw new QapiError('GenericError', `Bus '${bus}' not found`);
      machine.migrations.refuseDeviceChange('device_add');
    };
    const configuration = objectConfiguration(members, 'driver');
    await machine.hardware.addDevice(configuration, machine.guest.runState === 'inmigrate', admit);
  },

  device_del: ({ id }, { machine }) => {
    const device = findDevice(machine, id);
    machine.migrations.refuseDeviceChange('device_del');
    if (device.borrower !== undefined) {
      const { borrower } = device;
      throw new QapiError(
        'GenericError',
        `vfu: ${borrower.type} for ${device.id} must be deleted before unplugging`,
      );
    }
    const { path } = device;
    machine.hardware.removeDevice(device);
    // As with a guest that lets go of the device: the event comes after the reply.
    setImmediate(() =>
      machine.emit('DEVICE_DELETED', { ...(device.id === '' ? {} : { device: device.id }), path }),
    );
  },
} satisfies Partial<CommandHandlers>;

/** A device by its name or its path. @throws QapiError */
function findDevice(machine: Machine, id: string): VfioDevice {
  const object = id.startsWith('/') ? resolvePath(machine.tree.root, id) : machine.tree.findDevice(id);
  if (object === undefined) throw new QapiError('DeviceNotFound', `Device '${id}' not found`);
  if (!(object instanceof VfioDevice))
    throw new QapiError('GenericError', `${id} is not a hotpluggable device`);
  return object;
}
