import { JsonDouble, type JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { PropertyDefinition, PropertyValue } from '@godwit/vfio';
import type { ObjectPropertyInfo } from '../generated/index.js';

/** Properties that every VFIO device has, whatever is behind it; the names are those of QEMU's vfio-pci. */
export interface VfioDeviceProperties {
  /** Report changes of state as VFIO_MIGRATION. */
  readonly migrationEvents: boolean;
  /** Report them before they happen, as VFIO_MIGRATION_PREPARE. */
  readonly migrationPrepareEvents: boolean;
  /** `off` keeps the machine from migrating; `on` refuses the device where it, or its company, would. */
  readonly enableMigration: 'auto' | 'on' | 'off';
  /** Whether the device's own tracking of its writes to guest memory is used; there is no other here. */
  readonly dirtyPageTracking: boolean;
  /** Whether it is used while the guest runs, and not only at the end. */
  readonly preCopyDirtyPageTracking: boolean;
  /** Whether what it sends while the guest is stopped uses the additional channels of multifd. */
  readonly multifdTransfer: 'auto' | 'on' | 'off';
}

export const VFIO_DEVICE_PROPERTIES: readonly PropertyDefinition[] = [
  {
    name: 'migration-events',
    type: 'switch',
    default: false,
    description: 'report changes of state as VFIO_MIGRATION',
  },
  {
    name: 'migration-prepare-events',
    type: 'switch',
    default: false,
    description: 'report changes of state before they happen, as VFIO_MIGRATION_PREPARE',
  },
  {
    name: 'enable-migration',
    type: 'choice',
    default: 'auto',
    values: ['auto', 'on', 'off'],
    description: 'whether the device can be migrated; on: refuse the device where it cannot',
  },
  {
    name: 'x-device-dirty-page-tracking',
    type: 'switch',
    default: true,
    description:
      'use the device to track its writes to guest memory; without that it migrates only with enable-migration=on, ' +
      'and every page counts as written',
  },
  {
    name: 'x-pre-copy-dirty-page-tracking',
    type: 'switch',
    default: true,
    description:
      'ask what the device wrote to guest memory while the guest runs; off: only when it has stopped',
  },
  {
    name: 'x-migration-multifd-transfer',
    type: 'choice',
    default: 'auto',
    values: ['auto', 'on', 'off'],
    description:
      'send the state of the stopped device over the channels of multifd; auto: where there are some',
  },
];

/** What the QAPI schema calls the type of a property. */
export function qomTypeOf({ type }: PropertyDefinition): string {
  switch (type) {
    case 'switch':
      return 'bool';
    case 'size':
      return 'size';
    case 'count':
    case 'milliseconds':
      return 'int';
    case 'arcs':
    case 'choice':
      return 'str';
  }
}

/** A property as qom-list-properties and device-list-properties show it. */
export function propertyInfo(definition: PropertyDefinition): ObjectPropertyInfo {
  return {
    name: definition.name,
    type: qomTypeOf(definition),
    description: definition.description,
    'default-value': definition.default,
  };
}

/**
 * The properties of a device as an option or a command gave them.
 * @throws QapiError for a value that no property can have
 */
export function plainProperties(
  given: Readonly<Record<string, JsonValue>>,
): Readonly<Record<string, PropertyValue>> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, plainValue(name, value)]));
}

function plainValue(name: string, value: JsonValue): PropertyValue {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof JsonDouble) return value.value;
  if (value === null || typeof value === 'object') {
    throw new QapiError('GenericError', `Invalid parameter type for '${name}', expected: string`);
  }
  return value;
}
