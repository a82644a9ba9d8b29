import type { Dialect } from '../language/dialect.js';
import { documentableParts } from './documentable.js';
import type { Documentation, DocumentationSection } from './documentation.js';
import type { Condition, Entity, Feature, Member, Schema } from './model.js';

/** A schema in the form of the `.out` files of QEMU's own tests. */
export function dumpSchema(schema: Schema, dialect: Dialect): string {
  const lines: string[] = [];
  for (const module of schema.modules) {
    lines.push(`module ${module.name}`);
    for (const item of module.contents) {
      if (item.kind === 'include') lines.push(`include ${item.module.name}`);
      else dumpEntity(lines, item);
    }
  }
  const documented = new Map<Documentation, Entity>();
  for (const entity of schema.entities) if (entity.doc !== undefined) documented.set(entity.doc, entity);
  for (const documentation of schema.documentation) {
    dumpDocumentation(lines, documentation, documented.get(documentation), dialect);
  }
  return `${lines.join('\n')}\n`;
}

function dumpEntity(lines: string[], entity: Entity): void {
  switch (entity.kind) {
    case 'builtin':
      return;
    case 'enum':
      lines.push(`enum ${entity.name}`);
      if (entity.prefix !== undefined) lines.push(`    prefix ${entity.prefix}`);
      for (const value of entity.values) {
        lines.push(`    member ${value.name}`);
        dumpConditionAndFeatures(lines, value, 8);
      }
      break;
    case 'array':
      if (entity.element.kind === 'builtin') return;
      lines.push(`array ${entity.name} ${entity.element.name}`);
      break;
    case 'object':
      lines.push(`object ${entity.name}`);
      if (entity.base !== undefined) lines.push(`    base ${entity.base.name}`);
      for (const member of entity.members) dumpMember(lines, member);
      if (entity.tag !== undefined) lines.push(`    tag ${entity.tag.name}`);
      for (const branch of entity.branches) {
        lines.push(`    case ${branch.value}: ${branch.type.name}`);
        dumpConditionAndFeatures(lines, branch, 8);
      }
      break;
    case 'alternate':
      lines.push(`alternate ${entity.name}`, '    tag type');
      for (const alternative of entity.alternatives) {
        lines.push(`    case ${alternative.name}: ${alternative.type.name}`);
        dumpConditionAndFeatures(lines, alternative, 8);
      }
      break;
    case 'command':
      lines.push(
        `command ${entity.name} ${entity.argument?.name ?? 'None'} -> ${entity.returns?.name ?? 'None'}`,
        `    gen=${truth(entity.generate)} success_response=${truth(entity.successResponse)} boxed=${truth(entity.boxed)} oob=${truth(entity.allowOob)} preconfig=${truth(entity.allowPreconfig)}${entity.coroutine ? ' coroutine=True' : ''}`,
      );
      break;
    case 'event':
      lines.push(
        `event ${entity.name} ${entity.argument?.name ?? 'None'}`,
        `    boxed=${truth(entity.boxed)}`,
      );
      break;
  }
  dumpConditionAndFeatures(lines, entity, 4);
}

function dumpMember(lines: string[], member: Member): void {
  lines.push(`    member ${member.name}: ${member.type.name} optional=${truth(member.optional)}`);
  dumpConditionAndFeatures(lines, member, 8);
}

function dumpConditionAndFeatures(
  lines: string[],
  part: { readonly condition: Condition | undefined; readonly features?: readonly Feature[] },
  indent: number,
): void {
  dumpCondition(lines, part.condition, indent);
  for (const feature of part.features ?? []) {
    lines.push(`${' '.repeat(indent)}feature ${feature.name}`);
    dumpCondition(lines, feature.condition, indent + 4);
  }
}

function dumpCondition(lines: string[], condition: Condition | undefined, indent: number): void {
  if (condition === undefined) return;
  lines.push(`${' '.repeat(indent)}if ${typeof condition === 'string' ? condition : literal(condition)}`);
}

/** A condition as a Python literal. */
function literal(condition: Condition): string {
  if (typeof condition === 'string') return `'${condition}'`;
  if ('not' in condition) return `{'not': ${literal(condition.not)}}`;
  const [operator, operands] = 'all' in condition ? ['all', condition.all] : ['any', condition.any];
  return `{'${operator}': [${operands.map(literal).join(', ')}]}`;
}

function truth(value: boolean): string {
  return value ? 'True' : 'False';
}

function dumpDocumentation(
  lines: string[],
  documentation: Documentation,
  entity: Entity | undefined,
  dialect: Dialect,
): void {
  const { symbol, body, sections } = documentation;
  lines.push(symbol === undefined ? 'doc freeform' : `doc symbol=${symbol}`, '    body=', body);
  const described = new Set<string>();
  for (const section of sections) {
    if (section.kind !== 'member') continue;
    described.add(section.name!);
    lines.push(`    arg=${section.name}`, section.text);
  }
  for (const { name } of entity === undefined ? [] : documentableParts(entity).parts) {
    if (!described.has(name)) lines.push(`    arg=${name}`, '');
  }
  for (const section of sections) {
    if (section.kind === 'feature') lines.push(`    feature=${section.name}`, section.text);
  }
  for (const section of sections) {
    if (section.kind === 'member' || section.kind === 'feature') continue;
    lines.push(`    section=${sectionTitle(section, dialect)}`, section.text);
  }
}

/** Older versions print the tag as written, newer ones the kind of the section. */
function sectionTitle({ kind, tag }: DocumentationSection, dialect: Dialect): string {
  if (dialect.documentation === 'older') return tag ?? 'None';
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}
