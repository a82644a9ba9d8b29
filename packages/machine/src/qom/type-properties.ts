import { QapiError } from '@godwit/qapi/runtime';
import { findDriver, isDriver } from '../devices/index.js';
import type { ObjectPropertyInfo } from '../generated/index.js';
import { userObjectProperties } from '../objects/index.js';
import { findObjectType, isSubtype } from './types.js';

/** What objects of a type have. @throws QapiError when there is no such type */
export async function typeProperties(name: string): Promise<ObjectPropertyInfo[]> {
  if (findObjectType(name) === undefined) throw new QapiError('DeviceNotFound', `Class '${name}' not found`);
  const type: ObjectPropertyInfo = { name: 'type', type: 'string' };
  return [type, ...(isDriver(name) ? await driverProperties(name) : userObjectProperties(name))];
}

/** What device_add accepts for a type of devices. @throws QapiError */
export async function deviceProperties(name: string): Promise<ObjectPropertyInfo[]> {
  const type = findObjectType(name);
  if (type === undefined) throw new QapiError('DeviceNotFound', `Device '${name}' not found`);
  if (type.abstract || !isSubtype(name, 'device'))
    throw new QapiError('GenericError', "Parameter 'typename' expects a non-abstract device type");
  return isDriver(name) ? driverProperties(name) : [];
}

async function driverProperties(name: string): Promise<ObjectPropertyInfo[]> {
  const driver = await findDriver(name);
  return [...driver.properties()];
}
