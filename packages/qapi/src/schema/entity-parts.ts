import type { Condition, Entity, Feature, Module } from './model.js';

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
