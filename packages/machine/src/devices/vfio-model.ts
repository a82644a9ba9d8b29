import type { JsonValue } from '@godwit/json';
import {
  createModel,
  MODELS,
  type ModelledDevice,
  modelProperties,
  type PropertyDefinition,
  type PropertyValue,
  parseProperties,
} from '@godwit/vfio';
import type { Property } from '../qom/object.js';
import {
  plainProperties,
  qomTypeOf,
  VFIO_DEVICE_PROPERTIES,
  type VfioDeviceProperties,
} from './device-properties.js';
import type { DeviceDriver } from './drivers.js';
import { VfioDevice } from './vfio-device.js';

const DEFAULT_MODEL = 'nic';

/** `-device vfio-model`: a device of one of the models of @godwit/vfio. */
export const vfioModel: DeviceDriver = {
  name: 'vfio-model',
  properties() {
    const all = new Map<string, PropertyDefinition>();
    for (const definition of VFIO_DEVICE_PROPERTIES) all.set(definition.name, definition);
    for (const model of MODELS.keys()) {
      for (const definition of modelProperties(model)) all.set(definition.name, definition);
    }
    return [
      {
        name: 'model',
        type: 'choice',
        default: DEFAULT_MODEL,
        values: [...MODELS.keys()],
        description: 'what the device is',
      },
      ...all.values(),
    ];
  },
  create({ id, type, properties: given }, { clock, random, memory, memorySize, emit, trace }) {
    const { model = DEFAULT_MODEL, ...rest } = plainProperties(given);
    const [own, ofModel] = split(rest);
    const properties = vfioProperties(type, own);
    const device = createModel(String(model), ofModel, {
      clock,
      random,
      memory,
      memorySize,
      trace: (line) => trace(`${id === '' ? type : id}: ${line}`),
    });
    const object = new VfioDevice({
      typeName: type,
      id,
      device,
      regions: device.regions,
      compatible: device.compatible,
      properties,
      clock,
      emit,
    });
    object.addProperty('model', { type: 'str', get: () => device.model });
    for (const [name, property] of modelQomProperties(device)) object.addProperty(name, property);
    return object;
  },
};

/** Properties that all VFIO devices have, and the rest. */
function split(
  given: Readonly<Record<string, PropertyValue>>,
): [Record<string, PropertyValue>, Record<string, PropertyValue>] {
  const isOwn = (name: string) => VFIO_DEVICE_PROPERTIES.some((definition) => definition.name === name);
  const entries = Object.entries(given);
  return [
    Object.fromEntries(entries.filter(([name]) => isOwn(name))),
    Object.fromEntries(entries.filter(([name]) => !isOwn(name))),
  ];
}

function vfioProperties(owner: string, given: Readonly<Record<string, PropertyValue>>): VfioDeviceProperties {
  const values = parseProperties(owner, VFIO_DEVICE_PROPERTIES, given);
  const enable = values.text('enable-migration');
  return {
    migrationEvents: values.isOn('migration-events'),
    migrationPrepareEvents: values.isOn('migration-prepare-events'),
    enableMigration: enable === 'on' || enable === 'off' ? enable : 'auto',
  };
}

function* modelQomProperties(device: ModelledDevice): Iterable<[string, Property]> {
  const definitions = modelProperties(device.model);
  for (const [name, value] of device.properties.entries()) {
    const definition = definitions.find((each) => each.name === name);
    if (definition === undefined) continue;
    const shown: JsonValue = value;
    yield [name, { type: qomTypeOf(definition), description: definition.description, get: () => shown }];
  }
}
