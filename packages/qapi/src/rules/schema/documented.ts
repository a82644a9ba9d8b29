import {
  type DocumentablePart,
  type DocumentableParts,
  documentableParts,
} from '../../schema/documentable.js';
import type { Documentation, DocumentationSection } from '../../schema/documentation.js';
import type { EntityRecord } from '../../schema/draft.js';
import type { Entity, Feature } from '../../schema/model.js';
import type { DefinitionContext } from '../definition/context.js';

/** Every feature is documented and, in newer dialects, every member unless a pragma exempts the definition. */
export function checkDocumented(record: EntityRecord): void {
  const { context, entity } = record;
  const { doc } = entity;
  if (context === undefined || doc === undefined) return;
  const { role, parts } = documentableParts(entity);
  checkMembersDocumented(context, entity.name, doc, role, parts);
  checkFeaturesDocumented(context, doc, featuresOf(entity, parts));
}

/** The members and features that are documented exist. */
export function checkDocumentedExist(record: EntityRecord): void {
  const { context, entity } = record;
  const { doc } = entity;
  if (context === undefined || doc === undefined) return;
  const { parts } = documentableParts(entity);
  checkExist(context, doc, 'member', () => parts);
  checkExist(context, doc, 'feature', () => featuresOf(entity, parts));
}

function featuresOf(entity: Entity, parts: readonly DocumentablePart[]): Feature[] {
  const features = [...entity.features];
  for (const part of parts) if (part.features.length > 0) features.push(...part.features);
  return features;
}

function checkMembersDocumented(
  context: DefinitionContext,
  name: string,
  doc: Documentation,
  role: DocumentableParts['role'],
  parts: readonly DocumentablePart[],
): void {
  const { dialect, pragma } = context;
  if (!dialect.membersDocumented || pragma.documentationExceptions.has(name)) return;
  if (parts.length === 0) return;
  const documented = sectionNames(doc, 'member');
  for (const { name, span } of parts) {
    if (documented.has(name)) continue;
    context.report('members-documented', `${role} '${name}' lacks documentation`, span!);
  }
}

function checkFeaturesDocumented(
  context: DefinitionContext,
  doc: Documentation,
  features: readonly Feature[],
): void {
  if (features.length === 0) return;
  const documented = sectionNames(doc, 'feature');
  for (const { name, span } of features) {
    if (documented.has(name)) continue;
    context.report('features-documented', `feature '${name}' lacks documentation`, span);
  }
}

function checkExist(
  context: DefinitionContext,
  doc: Documentation,
  kind: 'member' | 'feature',
  parts: () => readonly { readonly name: string }[],
): void {
  const described = doc.sections.filter((section) => section.kind === kind);
  if (described.length === 0) return;
  const existing = new Set(parts().map(({ name }) => name));
  const unknown = described.filter(({ name }) => !existing.has(name!));
  const [first] = unknown;
  if (first === undefined) return;
  const names = unknown.map((section) => `'${section.name}'`).join(', ');
  const [plural, verb] = unknown.length > 1 ? ['s', 'do'] : ['', 'does'];
  const message = `documented ${kind}${plural} ${names} ${verb} not exist`;
  const reportedAt = context.dialect.membersDocumented ? first.span : doc.span;
  context.reportDocumentation('documented-exist', message, first.span, reportedAt);
}

function sectionNames(doc: Documentation, kind: DocumentationSection['kind']): Set<string> {
  const names = new Set<string>();
  for (const section of doc.sections) {
    if (section.kind === kind && section.name !== undefined) names.add(section.name);
  }
  return names;
}
