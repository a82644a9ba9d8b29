import type { Clock } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { DeliverEvents, Emit } from '../events.js';
import type { ObjectPropertyInfo } from '../generated/index.js';
import type { GuestMemory } from '../memory/index.js';
import type { ObjectConfiguration } from '../options/configuration.js';
import { findObjectType, isSubtype } from '../qom/types.js';
import type { VfioDevice } from './vfio-device.js';

/** What a driver may use of the machine. */
export interface DeviceEnvironment {
  readonly clock: Clock;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** What a device that reaches memory by itself is given to map. */
  readonly ram: GuestMemory;
  readonly native: Native | undefined;
  readonly emit: Emit;
  readonly deliverEvents: DeliverEvents;
  /** Receives what a device with `trace=on` has to say, line by line. */
  readonly trace: (line: string) => void;
  /** Says that something went wrong that no command asked about. */
  readonly warn: (message: string) => void;
}

/** What `-device NAME` and device_add can make. */
export interface DeviceDriver {
  readonly name: string;
  /** What it takes beside `id`, with every model's own properties. */
  properties(): readonly ObjectPropertyInfo[];
  /** Throws when a property is not known or does not take its value. */
  create(
    configuration: ObjectConfiguration,
    environment: DeviceEnvironment,
  ): VfioDevice | Promise<VfioDevice>;
}

/** Every driver, by its name. Each is loaded when it is first used. */
const DEVICE_DRIVERS: Readonly<Record<string, () => Promise<DeviceDriver>>> = {
  'vfio-user-pci': async () => (await import('./vfio-user/vfio-user-pci.js')).vfioUserPci,
  'vfio-model': async () => (await import('./vfio-model.js')).vfioModel,
};

export const DRIVER_NAMES: readonly string[] = Object.keys(DEVICE_DRIVERS).sort();

export function isDriver(name: string): boolean {
  return Object.hasOwn(DEVICE_DRIVERS, name);
}

/** @throws QapiError when there is no such driver */
export async function findDriver(name: string): Promise<DeviceDriver> {
  const load = isDriver(name) ? DEVICE_DRIVERS[name] : undefined;
  if (load !== undefined) return load();
  if (!isSubtype(name, 'device')) {
    throw new QapiError('GenericError', `'${name}' is not a valid device model name`);
  }
  const expected = findObjectType(name)?.abstract ? 'non-abstract' : 'pluggable';
  throw new QapiError('GenericError', `Parameter 'driver' expects a ${expected} device type`);
}
