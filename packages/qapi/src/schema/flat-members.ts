import type { Member, ObjectType } from './model.js';

/** All members of an object, those of its base first. */
export function flatMembers(type: ObjectType): readonly Member[] {
  return type.base === undefined ? type.members : [...flatMembers(type.base), ...type.members];
}
