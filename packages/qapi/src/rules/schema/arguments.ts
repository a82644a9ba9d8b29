import type { MemberDefinition } from '../../schema/definition.js';
import type { CommandRecord, EventRecord, ObjectRecord, TypeRecord } from '../../schema/draft.js';
import type { ObjectType } from '../../schema/model.js';
import { describeType } from './describe.js';

/** Arguments are members of an object; a union, or conditional ones, only if boxed. */
export function checkArguments(record: CommandRecord | EventRecord, argument: TypeRecord): boolean {
  const context = record.context!;
  const { data, boxed } = record.definition as Extract<
    NonNullable<typeof record.definition>,
    { kind: 'command' | 'event' }
  >;
  const { entity } = argument;
  const at: { start: number; end: number } =
    data?.kind === 'type' ? data.type : (firstConditional(data?.members) ?? record.definition!.nameNode);
  const what = `${record.kind}'s 'data'`;
  if (entity.kind !== 'object') {
    context.report('arguments', `${what} cannot take ${describeType(entity)}`, at);
    return false;
  }
  if (boxed) return true;
  if (
    entity.tag !== undefined ||
    entity.branches.length > 0 ||
    (argument as ObjectRecord).discriminator !== undefined
  ) {
    context.report('arguments', `${what} can take ${describeType(entity)} only with 'boxed': true`, at);
    return false;
  }
  if (context.dialect.conditionalArgumentsBoxed && hasConditionalMembers(entity)) {
    context.report('arguments', `conditional ${record.kind} arguments require 'boxed': true`, at);
    return false;
  }
  return true;
}

function firstConditional(members: readonly MemberDefinition[] | undefined): MemberDefinition | undefined {
  return members?.find((member) => member.condition !== undefined);
}

function hasConditionalMembers(type: ObjectType): boolean {
  for (let at: ObjectType | undefined = type; at !== undefined; at = at.base) {
    if (at.members.some((member) => member.condition !== undefined)) return true;
  }
  return false;
}
