import type { ObjectRecord } from '../../schema/draft.js';
import type { EnumType, Member, ObjectType } from '../../schema/model.js';

/** The tag of a union is a member of its base, of enum type, mandatory and unconditional. */
export function checkDiscriminator(record: ObjectRecord, base: ObjectType): Member | undefined {
  const { context } = record;
  const node = record.discriminator!;
  const implicit = base.origin === 'implicit';
  const where = implicit ? "'base'" : `base type '${base.name}'`;
  const report = (message: string): undefined => context!.report('discriminator', message, node) as undefined;
  const tag = findMember(base, node.value);
  if (tag === undefined) return report(`discriminator '${node.value}' is not a member of 'base'`);
  const member = `discriminator member '${node.value}' of ${where}`;
  if (tag.type.kind !== 'enum') return report(`${member} must be of enum type`);
  if (tag.optional) return report(`${member} must not be optional`);
  if (tag.condition !== undefined) return report(`${member} must not be conditional`);
  return tag;
}

function findMember(type: ObjectType, name: string): Member | undefined {
  for (let at: ObjectType | undefined = type; at !== undefined; at = at.base) {
    const member = at.members.find((candidate) => candidate.name === name);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** The enum of a tag that passed {@link checkDiscriminator}. */
export function tagEnum(tag: Member): EnumType {
  if (tag.type.kind !== 'enum') throw new TypeError(`tag '${tag.name}' is not of enum type`);
  return tag.type;
}
