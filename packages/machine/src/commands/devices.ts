import { JsonDouble, type JsonObject, type JsonValue, stringify } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import { VfioDevice } from '../devices/index.js';
import type { Machine } from '../machine.js';
import { objectConfiguration } from '../options/configuration.js';
import { resolvePath } from '../qom/path.js';
import { deviceProperties } from '../qom/type-properties.js';
import type { CommandHandlers } from './command-call.js';

export const deviceCommands = {
  'device-list-properties': ({ typename }) => deviceProperties(typename),

  device_add: async (members: JsonObject, { machine }) => {
    const { bus, driver, id, ...properties } = members;
    const admit = () => {
      if (bus !== undefined) throw new QapiError('GenericError', `Bus '${bus}' not found`);
      machine.migrations.refuseDeviceChange('device_add');
    };
    const model = modelName(driver);
    // What cannot be a model or a name counts as not given.
    const asked = {
      ...(model === undefined ? {} : { driver: model }),
      ...(typeof id === 'string' ? { id } : {}),
    };
    const configuration = objectConfiguration({ ...properties, ...asked }, 'driver');
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

/** Numbers and booleans stand for their text, as in options; undefined for what has none. */
function modelName(driver: JsonValue | undefined): string | undefined {
  if (typeof driver === 'boolean') return driver ? 'on' : 'off';
  if (typeof driver === 'number' || typeof driver === 'bigint' || driver instanceof JsonDouble) {
    return stringify(driver);
  }
  return typeof driver === 'string' ? driver : undefined;
}

/** A device by its name or its path. @throws QapiError */
function findDevice(machine: Machine, id: string): VfioDevice {
  const object = id.startsWith('/') ? resolvePath(machine.tree.root, id) : machine.tree.findDevice(id);
  if (object === undefined) throw new QapiError('DeviceNotFound', `Device '${id}' not found`);
  if (!(object instanceof VfioDevice))
    throw new QapiError('GenericError', `${id} is not a hotpluggable device`);
  return object;
}
