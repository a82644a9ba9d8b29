import { type PropertyValue, parseProperties } from '@godwit/vfio';
import { VFIO_DEVICE_PROPERTIES, type VfioDeviceProperties } from './device-properties.js';

/**
 * The properties that all VFIO devices have, and the rest as it was given.
 * @param owner the device's type, for errors
 * @throws PropertyError for a value that a property does not take
 */
export function splitVfioProperties(
  owner: string,
  given: Readonly<Record<string, PropertyValue>>,
): [VfioDeviceProperties, Record<string, PropertyValue>] {
  const isOwn = ([name]: [string, PropertyValue]) =>
    VFIO_DEVICE_PROPERTIES.some((definition) => definition.name === name);
  const entries = Object.entries(given);
  const values = parseProperties(owner, VFIO_DEVICE_PROPERTIES, Object.fromEntries(entries.filter(isOwn)));
  const properties: VfioDeviceProperties = {
    migrationEvents: values.isOn('migration-events'),
    migrationPrepareEvents: values.isOn('migration-prepare-events'),
    enableMigration: onOffAuto(values.text('enable-migration')),
    dirtyPageTracking: values.isOn('x-device-dirty-page-tracking'),
    preCopyDirtyPageTracking: values.isOn('x-pre-copy-dirty-page-tracking'),
    multifdTransfer: onOffAuto(values.text('x-migration-multifd-transfer')),
  };
  return [properties, Object.fromEntries(entries.filter((entry) => !isOwn(entry)))];
}

function onOffAuto(text: string): 'auto' | 'on' | 'off' {
  return text === 'on' || text === 'off' ? text : 'auto';
}
