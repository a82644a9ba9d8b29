import type { Clock } from '@godwit/clock';
import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import {
  createModel,
  type DmaMemory,
  MODELS,
  type ModelledDevice,
  modelProperties,
  type PropertyDefinition,
  type PropertyValue,
  parseProperties,
} from '@godwit/vfio';
import type { Emit } from '../events.js';
import type { ObjectConfiguration } from '../options/configuration.js';
import type { Property } from '../qom/object.js';
import {
  plainProperties,
  qomTypeOf,
  VFIO_DEVICE_PROPERTIES,
  type VfioDeviceProperties,
} from './device-properties.js';
import { VfioDevice } from './vfio-device.js';

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

const DEFAULT_MODEL = 'nic';

const vfioModel: DeviceDriver = {
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

/** Every driver, by its name. */
export const DEVICE_DRIVERS: ReadonlyMap<string, DeviceDriver> = new Map([[vfioModel.name, vfioModel]]);

/** @throws QapiError when there is no such driver */
export function findDriver(name: string): DeviceDriver {
  const driver = DEVICE_DRIVERS.get(name);
  if (driver === undefined) throw new QapiError('GenericError', `'${name}' is not a valid device model name`);
  return driver;
}

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
