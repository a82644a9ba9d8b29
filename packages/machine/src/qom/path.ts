import { QapiError } from '@godwit/qapi/runtime';
import type { QomObject } from './object.js';

/**
 * The object at `path`. A path that does not start at the root may start anywhere, if only one object matches.
 * @throws QapiError DeviceNotFound, or GenericError for an ambiguous path
 */
export function resolvePath(root: QomObject, path: string): QomObject {
  const parts = path.split('/').filter((part) => part !== '');
  const found =
    path.startsWith('/') || parts.length === 0 ? descend(root, parts) : findPartial(root, parts, path);
  if (found === undefined) throw new QapiError('DeviceNotFound', `Device '${path}' not found`);
  return found;
}

function descend(from: QomObject, parts: readonly string[]): QomObject | undefined {
  let object: QomObject | undefined = from;
  for (const part of parts) object = object?.children.get(part);
  return object;
}

function findPartial(root: QomObject, parts: readonly string[], path: string): QomObject | undefined {
  const matches: QomObject[] = [];
  const visit = (object: QomObject): void => {
    const match = descend(object, parts);
    if (match !== undefined) matches.push(match);
    for (const child of object.children.values()) visit(child);
  };
  visit(root);
  if (matches.length > 1) throw new QapiError('GenericError', `Path '${path}' is ambiguous`);
  return matches[0];
}
