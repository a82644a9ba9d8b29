import type { JsonObject } from '@godwit/json';
import type { ObjectPropertyInfo } from '../generated/index.js';
import { objectConfiguration } from '../options/configuration.js';
import { listingOrder } from '../qom/listing-order.js';
import type { Property, QomObject } from '../qom/object.js';
import { resolvePath } from '../qom/path.js';
import { typeProperties } from '../qom/type-properties.js';
import { isSubtype, OBJECT_TYPES } from '../qom/types.js';
import type { CommandHandlers } from './command-call.js';

export const objectCommands = {
  'qom-list': ({ path }, { machine }) => listProperties(resolvePath(machine.tree.root, path)),

  'qom-get': ({ path, property }, { machine }) =>
    resolvePath(machine.tree.root, path, 'not-found').get(property),

  'qom-list-get': async ({ paths }, { machine }) => {
    const objects = paths.map((path) => resolvePath(machine.tree.root, path));
    return Promise.all(
      objects.map(async (object) => ({
        properties: await Promise.all(
          [...object.properties].map(async ([name, property]) => ({
            name,
            type: property.type,
            ...(property.get === undefined ? {} : { value: await property.get() }),
          })),
        ),
      })),
    );
  },

  'qom-set': ({ path, property, value }, { machine }) =>
    resolvePath(machine.tree.root, path, 'not-found').set(property, value),

  'qom-list-types': ({ implements: ancestor = 'object', abstract = false }) =>
    OBJECT_TYPES.filter(
      (type) => isSubtype(type.name, ancestor) && (abstract || type.abstract === undefined),
    ).map(({ name, parent, abstract: isAbstract }) => ({
      name,
      ...(isAbstract ? { abstract: true } : {}),
      ...(parent === undefined ? {} : { parent }),
    })),

  'qom-list-properties': ({ typename }) => typeProperties(typename),

  'object-add': (options, { machine }) =>
    machine.objects.add(objectConfiguration(options as unknown as JsonObject, 'qom-type')),

  'object-del': ({ id }, { machine }) => machine.objects.remove(id),
} satisfies Partial<CommandHandlers>;

function listProperties(object: QomObject): ObjectPropertyInfo[] {
  const { properties, children } = object;
  const own = [...properties.keys()].filter((name) => !children.has(name));
  const listed = [...own, ...listingOrder([...children.keys()]).reverse()];
  return listed.map((name) => propertyInfo(name, properties.get(name)!));
}

function propertyInfo(name: string, { type, description, defaultValue }: Property): ObjectPropertyInfo {
  return {
    name,
    type,
    ...(description === undefined ? {} : { description }),
    ...(defaultValue === undefined ? {} : { 'default-value': defaultValue }),
  };
}
