import type { Located } from '../../language/ast.js';
import type { FeatureDefinition, MemberDefinition } from '../../schema/definition.js';
import type { Documentation, DocumentationSection } from '../../schema/documentation.js';
import type { EntityRecord } from '../../schema/draft.js';
import { describePart, type MemberRole } from './describe.js';

/** What the documentation of a definition has to cover. */
export interface Documentable {
  readonly members: readonly DocumentablePart[];
  readonly features: readonly (FeatureDefinition & { readonly owner: EntityRecord })[];
}

export interface DocumentablePart extends Located {
  readonly name: string;
  readonly role: MemberRole;
  readonly owner: EntityRecord;
}

/** Every feature is documented and, in newer dialects where it is required, every member. */
export function checkDocumentationComplete(
  record: EntityRecord,
  documentation: Documentation,
  { members, features }: Documentable,
): void {
  const context = record.context!;
  const { dialect, pragma } = context;
  const exempt =
    !dialect.membersDocumented ||
    !pragma.docRequired ||
    pragma.documentationExceptions.has(record.entity.name);
  if (!exempt) {
    const documented = sectionNames(documentation, 'member');
    for (const member of members) {
      if (documented.has(member.name)) continue;
      context.report('members-documented', `${describePart(member, record)} lacks documentation`, member);
    }
  }
  const documented = sectionNames(documentation, 'feature');
  for (const feature of features) {
    if (documented.has(feature.name)) continue;
    context.report('features-documented', `feature '${feature.name}' lacks documentation`, feature);
  }
}

/** What is documented exists. */
export function checkDocumentedExist(
  record: EntityRecord,
  documentation: Documentation,
  { members, features }: Documentable,
): void {
  checkExist(record, documentation, 'member', new Set(members.map(({ name }) => name)));
  checkExist(record, documentation, 'feature', new Set(features.map(({ name }) => name)));
}

function checkExist(
  record: EntityRecord,
  documentation: Documentation,
  kind: 'member' | 'feature',
  existing: ReadonlySet<string>,
): void {
  const unknown = documentation.sections.filter(
    (section) => section.kind === kind && section.name !== undefined && !existing.has(section.name),
  );
  const [first] = unknown;
  if (first === undefined) return;
  const names = unknown.map((section) => `'${section.name}'`).join(', ');
  const message = `documented ${kind}${unknown.length > 1 ? 's' : ''} ${names} ${unknown.length > 1 ? 'do' : 'does'} not exist`;
  const context = record.context!;
  const at = context.dialect.membersDocumented ? first.span : documentation.span;
  context.reportDocumentation('documented-exist', message, first.span, at);
}

function sectionNames(documentation: Documentation, kind: DocumentationSection['kind']): Set<string> {
  const names = new Set<string>();
  for (const section of documentation.sections) {
    if (section.kind === kind && section.name !== undefined) names.add(section.name);
  }
  return names;
}

export function memberParts(
  members: readonly MemberDefinition[],
  role: MemberRole,
  owner: EntityRecord,
): DocumentablePart[] {
  return members.map(({ name, start, end }) => ({ name, start, end, role, owner }));
}
