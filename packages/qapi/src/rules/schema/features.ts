import type { FeatureDefinition } from '../../schema/definition.js';
import type { EntityRecord } from '../../schema/draft.js';
import { NameTable } from './clashes.js';

const special = ['deprecated', 'unstable'];

/** Features of one thing have different names, and those with a meaning of their own are not for types. */
export function checkFeatures(record: EntityRecord): void {
  const { context, definition, entity } = record;
  if (context === undefined || definition === undefined) return;
  if (entity.kind === 'object' && entity.origin === 'implicit') return;
  checkFeatureNames(record, definition.features);
  if (entity.kind === 'command' || entity.kind === 'event') return;
  for (const feature of definition.features) {
    if (special.includes(feature.name)) {
      context.report('features-on-types', `feature '${feature.name}' is not supported for types`, feature);
    }
  }
}

/** The features of a definition, a member or a value have different names. */
export function checkFeatureNames(record: EntityRecord, features: readonly FeatureDefinition[]): void {
  if (features.length === 0) return;
  const names = new NameTable();
  for (const feature of features)
    names.add(record, { role: 'feature', name: feature.name, owner: record }, feature);
}
