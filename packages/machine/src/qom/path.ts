import { QapiError } from '@godwit/qapi/runtime';
import type { QomObject } from './object.js';

/**
 * The object at `path`. A path that does not start at the root may start anywhere, if only one object matches.
 * @param ambiguous what is said of a path that several match: that, or that there is no such object
 * @throws QapiError DeviceNotFound, or GenericError for an ambiguous path
 */
export function resolvePath(
  root: QomObject,
  path: string,
  ambiguous: 'told' | 'not-found' = 'told',
): QomObject {
  const parts = path.split('/').filter((part) => part !== '');
  const found = path.startsWith('/') ? descend(root, parts) : findPartial(root, parts);
  if (found === 'ambiguous' && ambiguous === 'told') {
    throw new QapiError('GenericError', `Path '${path}' is ambiguous`);
  }
  if (found === undefined || found === 'ambiguous')
    throw new QapiError('DeviceNotFound', `Device '${path}' not found`);
  return found;
}

function descend(from: QomObject, parts: readonly string[]): QomObject | undefined {
  let object: QomObject | undefined = from;
  for (const part of parts) object = object?.children.get(part);
  return object;
}

function findPartial(root: QomObject, parts: readonly string[]): QomObject | 'ambiguous' | undefined {
  const matches: QomObject[] = [];
  const visit = (object: QomObject): void => {
    const match = descend(object, parts);
    if (match !== undefined) matches.push(match);
    for (const child of object.children.values()) visit(child);
  };
  visit(root);
  return matches.length > 1 ? 'ambiguous' : matches[0];
}
