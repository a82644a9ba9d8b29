import type { TypeReference } from '../../schema/definition.js';
import type { CommandRecord, TypeRecord } from '../../schema/draft.js';
import { describeType } from './describe.js';

/** A command returns an object or a list of objects, unless a pragma lists it. */
export function checkReturns(record: CommandRecord, reference: TypeReference, returns: TypeRecord): void {
  const context = record.context!;
  if (context.pragma.commandReturnsExceptions.has(record.entity.name)) return;
  const { entity } = returns;
  const type = entity.kind === 'array' ? entity.element : entity;
  if (type.kind !== 'object') {
    context.report('returns', `command's 'returns' cannot take ${describeType(entity)}`, reference);
  }
}
