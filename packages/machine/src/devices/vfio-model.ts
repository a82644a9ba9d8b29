import type { JsonValue } from '@godwit/json';
import {
  createModel,
  MODELS,
  type ModelledDevice,
  modelProperties,
  type PropertyDefinition,
} from '@godwit/vfio';
import type { Property } from '../qom/object.js';
import { plainProperties, propertyInfo, qomTypeOf, VFIO_DEVICE_PROPERTIES } from './device-properties.js';
import { DeviceWiring } from './device-wiring.js';
import type { DeviceDriver } from './drivers.js';
import { PciConfig } from './pci-config.js';
import { splitVfioProperties } from './split-properties.js';
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
        type: 'str',
        description: `what the device is: ${[...MODELS.keys()].join(', ')}`,
        'default-value': DEFAULT_MODEL,
      },
      ...[...all.values()].map(propertyInfo),
    ];
  },
  create({ id, type, properties: given }, { clock, random, ram, emit, deliverEvents, trace }) {
    const { model = DEFAULT_MODEL, ...rest } = plainProperties(given);
    const [properties, ofModel] = splitVfioProperties(type, rest);
    const identity = MODELS.get(String(model))?.pci;
    const config = identity && new PciConfig(identity);
    const wiring = new DeviceWiring();
    const device = createModel(String(model), ofModel, {
      ...(config && { config }),
      clock,
      random,
      memory: wiring,
      interrupt: () => wiring.interrupt(),
      memorySize: ram.size,
      trace: (line) => trace(`${id ?? type}: ${line}`),
    });
    const object = new VfioDevice({
      typeName: type,
      id,
      device,
      regions: device.regions,
      wiring,
      compatible: device.compatible,
      properties,
      clock,
      emit,
      deliverEvents,
      unsupported: !device.migratable,
      model: device,
      ...(config && { config, configInStream: device.carriesConfig }),
    });
    object.addProperty('model', { type: 'str', get: () => device.model });
    for (const [name, property] of modelQomProperties(device)) object.addProperty(name, property);
    return object;
  },
};

function* modelQomProperties(device: ModelledDevice): Iterable<[string, Property]> {
  const definitions = modelProperties(device.model);
  for (const [name, value] of device.properties.entries()) {
    const definition = definitions.find((each) => each.name === name);
    if (definition === undefined) continue;
    const shown: JsonValue = value;
    yield [name, { type: qomTypeOf(definition), description: definition.description, get: () => shown }];
  }
}
