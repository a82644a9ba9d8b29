import type { Clock } from '@godwit/clock';
import { QapiError } from '@godwit/qapi/runtime';
import type { DmaMemory, PropertyDefinition } from '@godwit/vfio';
import type { Emit } from '../events.js';
import type { ObjectConfiguration } from '../options/configuration.js';
import type { VfioDevice } from './vfio-device.js';

/** What a driver may use of the machine. */
export interface DeviceEnvironment {
  readonly clock: Clock;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  readonly memory: DmaMemory;
  /** Bytes of guest RAM. */
  readonly memorySize: number;
  readonly emit: Emit;
  /** Receives what a device with `trace=on` has to say, line by line. */
  readonly trace: (line: string) => void;
}

/** What `-device NAME` and device_add can make. */
export interface DeviceDriver {
  readonly name: string;
  /** What it takes beside `id`, with every model's own properties. */
  properties(): readonly PropertyDefinition[];
  /** Throws when a property is not known or does not take its value. */
  create(configuration: ObjectConfiguration, environment: DeviceEnvironment): VfioDevice;
}

/** Every driver, by its name. Each is loaded when it is first used. */
const DEVICE_DRIVERS: Readonly<Record<string, () => Promise<DeviceDriver>>> = {
  'vfio-model': async () => (await import('./vfio-model.js')).vfioModel,
};

export function isDriver(name: string): boolean {
  return Object.hasOwn(DEVICE_DRIVERS, name);
}

/** @throws QapiError when there is no such driver */
export async function findDriver(name: string): Promise<DeviceDriver> {
  const load = isDriver(name) ? DEVICE_DRIVERS[name] : undefined;
  if (load === undefined) throw new QapiError('GenericError', `'${name}' is not a valid device model name`);
  return load();
}
