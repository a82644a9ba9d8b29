import { commonProperties } from '../model/common-properties.js';
import type { ModelDefinition } from '../model/definition.js';
import { ModelDevice } from '../model/model-device.js';
import type { ModelEnvironment, ModelledDevice } from '../model/modelled-device.js';
import {
  type PropertyDefinition,
  PropertyError,
  type PropertyValue,
  parseProperties,
} from '../model/property.js';
import { block } from './block/index.js';
import { crypto } from './crypto/index.js';
import { gpu } from './gpu/index.js';
import { nic } from './nic/index.js';
import { V1Model } from './v1-model.js';

/** Every model, by the name that `model=` takes. */
export const MODELS: ReadonlyMap<string, ModelDefinition> = new Map(
  [nic, gpu, block, crypto].map((definition): [string, ModelDefinition] => [definition.name, definition]),
);

/** The device type of the command line, which property errors name. */
export const MODEL_DEVICE_TYPE = 'vfio-model';

/** The properties of a model, its own last. Throws {@link PropertyError} where there is no such model. */
export function modelProperties(name: string): readonly PropertyDefinition[] {
  const model = modelNamed(name);
  return [...commonProperties(model.flags, model.stateSize), ...model.properties];
}

/**
 * A device of the model `name`: `-device vfio-model,model=NAME,PROPERTY=VALUE,…` without `model` and `id`.
 * Throws {@link PropertyError} for an unknown model, an unknown property, or a value that a property does not take.
 */
export function createModel(
  name: string,
  properties: Readonly<Record<string, PropertyValue>>,
  environment: ModelEnvironment,
): ModelledDevice {
  const definitions = modelProperties(name);
  const parsed = parseProperties(MODEL_DEVICE_TYPE, definitions, properties);
  if (parsed.text('protocol') === 'v2') return new ModelDevice(modelNamed(name), parsed, environment);
  if (properties.p2p !== undefined && parsed.isOn('p2p')) {
    throw new PropertyError(
      'p2p',
      `Property '${MODEL_DEVICE_TYPE}.p2p' cannot be on with protocol=v1, which has no P2P states`,
    );
  }
  const withoutP2p = parseProperties(MODEL_DEVICE_TYPE, definitions, { ...properties, p2p: false });
  return new V1Model(new ModelDevice(modelNamed(name), withoutP2p, environment), environment);
}

function modelNamed(name: string): ModelDefinition {
  const model = MODELS.get(name);
  if (model === undefined) {
    const known = [...MODELS.keys()].map((each) => `'${each}'`).join(', ');
    throw new PropertyError(
      'model',
      `Property '${MODEL_DEVICE_TYPE}.model' doesn't take value '${name}': expected one of ${known}`,
    );
  }
  return model;
}
