import { QapiError } from '@godwit/qapi/runtime';
import { qomTypeOf } from '../devices/device-properties.js';
import { DEVICE_DRIVERS } from '../devices/index.js';
import type { ObjectPropertyInfo } from '../generated/index.js';
import { IOTHREAD_PROPERTIES } from '../objects/iothread.js';
import { findObjectType, isSubtype } from './types.js';

/** What objects of a type have. @throws QapiError when there is no such type */
export function typeProperties(name: string): ObjectPropertyInfo[] {
  if (findObjectType(name) === undefined) throw new QapiError('DeviceNotFound', `Class '${name}' not found`);
  const type: ObjectPropertyInfo = { name: 'type', type: 'string' };
  if (isSubtype(name, 'iothread')) return [type, ...IOTHREAD_PROPERTIES];
  return DEVICE_DRIVERS.has(name) ? [type, ...driverProperties(name)] : [type];
}

/** What device_add accepts for a type of devices. @throws QapiError */
export function deviceProperties(name: string): ObjectPropertyInfo[] {
  const type = findObjectType(name);
  if (type === undefined) throw new QapiError('DeviceNotFound', `Device '${name}' not found`);
  if (!isSubtype(name, 'device')) {
    throw new QapiError('GenericError', "Parameter 'typename' expects a device type");
  }
  if (type.abstract)
    throw new QapiError('GenericError', "Parameter 'typename' expects a non-abstract device type");
  return DEVICE_DRIVERS.has(name) ? driverProperties(name) : [];
}

function driverProperties(name: string): ObjectPropertyInfo[] {
  const definitions = DEVICE_DRIVERS.get(name)?.properties() ?? [];
  return definitions.map((definition) => ({
    name: definition.name,
    type: qomTypeOf(definition),
    description: definition.description,
    'default-value': definition.default,
  }));
}
