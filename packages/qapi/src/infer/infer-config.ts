import type { SchemaInfo } from '../runtime/schema-info.js';
import { flatMembers } from '../schema/flat-members.js';
import type { Condition, Schema, Type } from '../schema/model.js';
import { ConditionSolver, type InferredConfig } from './condition-solver.js';
import { correspondence, type Reply, replyByName } from './correspondence.js';

/**
 * Finds the configuration of a running server from its reply to query-qmp-schema: what is there must have a
 * condition that is true, and what is not, one that is false.
 */
export function inferConfig(schema: Schema, infos: readonly SchemaInfo[]): InferredConfig {
  const solver = new ConditionSolver();
  for (const { condition, present } of observations(schema, replyByName(infos))) {
    if (condition !== undefined) solver.observe(condition, present);
  }
  return solver.solve();
}

interface Observation {
  readonly condition: Condition | undefined;
  readonly present: boolean;
}

interface Named {
  readonly name: string;
  readonly condition: Condition | undefined;
}

/** Everything of the schema of which the reply shows whether it is there. */
function* observations(schema: Schema, reply: Reply): Generator<Observation> {
  for (const entity of schema.entities) {
    if (entity.kind !== 'command' && entity.kind !== 'event') continue;
    const info = reply.get(entity.name);
    yield { condition: entity.condition, present: info?.['meta-type'] === entity.kind };
    if (info !== undefined) yield* presence(entity.features, info.features ?? []);
  }
  for (const [name, type] of correspondence(reply, schema)) {
    const info = reply.get(name);
    if (info !== undefined) yield* typeObservations(type, info);
  }
}

function* typeObservations(type: Type, info: SchemaInfo): Generator<Observation> {
  yield { condition: type.condition, present: true };
  yield* presence(type.features, info.features ?? []);
  if (type.kind === 'enum' && info['meta-type'] === 'enum') {
    yield* presence(type.values, info.values);
  } else if (type.kind === 'object' && info['meta-type'] === 'object') {
    const members = new Map(info.members.map((member) => [member.name, member]));
    yield* presence(flatMembers(type), [...members.keys()]);
    for (const member of flatMembers(type)) {
      const seen = members.get(member.name);
      if (seen !== undefined) yield* presence(member.features, seen.features ?? []);
    }
    const cases = (info.variants ?? []).map((variant) => variant.case);
    yield* presence(
      type.branches.map(({ value, condition }) => ({ name: value, condition })),
      cases,
    );
  }
}

function* presence(known: readonly Named[], seen: readonly string[]): Generator<Observation> {
  for (const { name, condition } of known) yield { condition, present: seen.includes(name) };
}
