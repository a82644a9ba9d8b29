import type { Condition, Entity, Feature, Module, ObjectType } from './model.js';

export const noFeatures: readonly Feature[] = [];

/** What every entity has. */
export interface CommonParts {
  readonly name: string;
  readonly span: Entity['span'];
  readonly module: Module;
  readonly condition: Condition | undefined;
  readonly features: readonly Feature[];
  readonly doc: Entity['doc'];
}

/** An object that has nothing yet. */
export function objectParts(
  origin: ObjectType['origin'],
): Pick<ObjectType, 'kind' | 'origin' | 'base' | 'members' | 'tag' | 'branches'> {
  return { kind: 'object', origin, base: undefined, members: [], tag: undefined, branches: [] };
}
