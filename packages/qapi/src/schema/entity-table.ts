import type { DefinitionContext } from '../rules/definition/context.js';
import { FeatureLimit } from '../rules/schema/feature-limit.js';
import type { TypeLookup } from '../rules/schema/known-types.js';
import {
  builtinModuleName,
  builtinTypes,
  emptyObjectName,
  qtypeName,
  qtypePrefix,
  qtypeValues,
} from './builtins.js';
import type {
  CommandDefinition,
  Definition,
  EventDefinition,
  FeatureDefinition,
  MemberDefinition,
  MembersOrType,
  TypeReference,
  UnionDefinition,
} from './definition.js';
import type {
  ArrayRecord,
  BuiltinRecord,
  CommandRecord,
  Draft,
  EntityRecord,
  EventRecord,
  MemberDraft,
  ObjectRecord,
  TypeRecord,
} from './draft.js';
import { type CommonParts, noFeatures } from './entity-parts.js';
import type { Branch, BuiltinType, Entity, Feature, Include, Member, Module, ObjectType } from './model.js';

/** A module while entities are added to it. */
export type ModuleDraft = Module & { readonly contents: (Entity | Include)[] };

export function moduleDraft(name: string): ModuleDraft {
  return { name, contents: [] };
}

/** What happens to a schema in the order in which it is written. */
export type DefinitionEvent =
  | EntityRecord
  | { readonly kind: 'include'; readonly from: ModuleDraft; readonly include: Include };

/**
 * Makes an entity of every definition, and of the arrays and implicit objects that it uses, in the order
 * that introspection and dumps show. References are resolved later, when all names are known.
 */
export class EntityTable implements TypeLookup {
  readonly events: DefinitionEvent[] = [];
  readonly featureLimit = new FeatureLimit();
  readonly builtinModule = moduleDraft(builtinModuleName);
  readonly #records = new Map<string, EntityRecord>();
  readonly #broken = new Set<string>();
  /** Stands for types until they are resolved. */
  readonly #any: BuiltinType;
  readonly empty: ObjectType;

  constructor(spellQtypePrefix: boolean) {
    let any: BuiltinType | undefined;
    for (const [name, json] of builtinTypes) {
      const entity: BuiltinType = { kind: 'builtin', json, ...this.#builtin(name) };
      if (name === 'any') any = entity;
      const record: BuiltinRecord = { kind: 'builtin', entity, context: undefined, definition: undefined };
      this.#add(record);
      this.#array({ name, array: true, start: 0, end: 0 }, undefined, undefined, entity);
    }
    this.#any = any!;
    this.empty = {
      kind: 'object',
      origin: 'implicit',
      base: undefined,
      tag: undefined,
      branches: [],
      members: [],
      ...this.#builtin(emptyObjectName),
    };
    this.#add({
      kind: 'object',
      entity: this.empty,
      context: undefined,
      definition: undefined,
      base: undefined,
      members: [],
      discriminator: undefined,
      branches: [],
      state: 'checked',
      depth: 0,
    });
    const values = qtypeValues.map((name) => ({ name, condition: undefined, features: [], span: undefined }));
    this.#add({
      kind: 'enum',
      entity: {
        kind: 'enum',
        ...this.#builtin(qtypeName),
        values,
        prefix: spellQtypePrefix ? qtypePrefix : undefined,
      },
      context: undefined,
      definition: undefined,
    });
  }

  get(name: string): EntityRecord | undefined {
    return this.#records.get(name);
  }

  lookup(name: string): TypeRecord | undefined {
    const record = this.#records.get(name);
    return record === undefined || record.kind === 'command' || record.kind === 'event' ? undefined : record;
  }

  isBroken(name: string): boolean {
    return this.#broken.has(name);
  }

  *typeNames(): Iterable<string> {
    for (const record of this.#records.values()) {
      if (record.kind === 'array' || record.kind === 'command' || record.kind === 'event') continue;
      if (record.kind === 'object' && record.entity.origin === 'implicit') continue;
      yield record.entity.name;
    }
  }

  /** Remembers the name of a definition that cannot become an entity. */
  addBroken(name: string): void {
    this.#broken.add(name);
  }

  include(from: ModuleDraft, module: Module): void {
    this.events.push({ kind: 'include', from, include: { kind: 'include', module } });
  }

  define(definition: Definition, context: DefinitionContext, module: ModuleDraft): void {
    switch (definition.kind) {
      case 'enum': {
        const values = definition.values.map(({ name, condition, features, start, end }) => ({
          name,
          condition,
          features: this.#features(features, definition, context),
          span: definition.source.span(start, end),
        }));
        const entity = {
          kind: 'enum' as const,
          ...this.#common(definition, context, module),
          values,
          prefix: definition.prefix,
        };
        this.#define({ kind: 'enum', entity, context, definition });
        return;
      }
      case 'struct': {
        const members = this.#members(definition.members, definition, context);
        this.#define(this.#object('struct', definition, context, module, members, definition.base));
        return;
      }
      case 'union':
        this.#defineUnion(definition, context, module);
        break;
      case 'alternate': {
        const alternatives = this.#members(definition.alternatives, definition, context);
        const entity = {
          kind: 'alternate' as const,
          ...this.#common(definition, context, module),
          alternatives: alternatives.map(({ member }) => member),
        };
        this.#define({ kind: 'alternate', entity, alternatives, context, definition });
        return;
      }
      case 'command':
        this.#defineCommand(definition, context, module);
        break;
      case 'event':
        this.#defineEvent(definition, context, module);
        break;
    }
  }

  #defineUnion(definition: UnionDefinition, context: DefinitionContext, module: ModuleDraft): void {
    const base = this.#membersOrType(definition.base, '-base', definition, context, module);
    for (const { type } of definition.branches) this.#array(type, definition, context);
    const branches: MemberDraft<Branch>[] = definition.branches.map((written) => ({
      written,
      member: {
        value: written.name,
        type: this.empty,
        condition: written.condition,
        span: definition.source.span(written.start, written.end),
        implicit: false,
      },
    }));
    this.#define({
      ...this.#object('union', definition, context, module, [], base),
      discriminator: definition.discriminator,
      branches,
    });
  }

  #defineCommand(definition: CommandDefinition, context: DefinitionContext, module: ModuleDraft): void {
    const argument = this.#membersOrType(definition.data, '-arg', definition, context, module);
    if (definition.returns !== undefined) this.#array(definition.returns, definition, context);
    const { boxed, generate, successResponse, allowOob, allowPreconfig, coroutine } = definition;
    const entity: Draft<CommandRecord['entity']> = {
      kind: 'command',
      ...this.#common(definition, context, module),
      argument: undefined,
      returns: undefined,
      boxed,
      generate,
      successResponse,
      allowOob,
      allowPreconfig,
      coroutine,
    };
    this.#define({ kind: 'command', entity, argument, returns: definition.returns, context, definition });
  }

  #defineEvent(definition: EventDefinition, context: DefinitionContext, module: ModuleDraft): void {
    const argument = this.#membersOrType(definition.data, '-arg', definition, context, module);
    const entity: Draft<EventRecord['entity']> = {
      kind: 'event',
      ...this.#common(definition, context, module),
      argument: undefined,
      boxed: definition.boxed,
    };
    this.#define({ kind: 'event', entity, argument, context, definition });
  }

  /** An implicit object for members written in place (none for an empty list), or the reference. */
  #membersOrType(
    written: MembersOrType | undefined,
    suffix: '-base' | '-arg',
    definition: Definition,
    context: DefinitionContext,
    module: ModuleDraft,
  ): TypeReference | ObjectRecord | undefined {
    if (written === undefined) return undefined;
    if (written.kind === 'type') return written.type;
    if (written.members.length === 0) return undefined;
    const members = this.#members(written.members, definition, context);
    const record = this.#object('implicit', definition, context, module, members, undefined);
    record.entity.name = `q_obj_${definition.name}${suffix}`;
    this.#add(record);
    return record;
  }

  #object(
    origin: ObjectType['origin'],
    definition: Definition,
    context: DefinitionContext,
    module: ModuleDraft,
    members: MemberDraft<Member>[],
    base: TypeReference | ObjectRecord | undefined,
  ): ObjectRecord {
    const implicit = origin === 'implicit';
    // Written out, since spreading parts costs several times as much and most objects are made here.
    const entity: Draft<ObjectType> = {
      kind: 'object',
      origin,
      base: undefined,
      tag: undefined,
      branches: [],
      name: definition.name,
      span: implicit ? undefined : definition.source.span(definition.node.start, definition.node.end),
      module,
      condition: definition.condition,
      features: implicit ? noFeatures : this.#features(definition.features, definition, context),
      doc: implicit ? undefined : definition.documentation,
      members: members.map(({ member }) => member),
    };
    return {
      kind: 'object',
      entity,
      context,
      definition,
      base,
      members,
      discriminator: undefined,
      branches: [],
      state: 'unchecked',
      depth: 0,
    };
  }

  #members(
    written: readonly MemberDefinition[],
    definition: Definition,
    context: DefinitionContext,
  ): MemberDraft<Member>[] {
    return written.map((member) => {
      this.#array(member.type, definition, context);
      const { name, optional, condition, start, end } = member;
      return {
        written: member,
        member: {
          name,
          type: this.#any,
          optional,
          condition,
          features: this.#features(member.features, definition, context),
          span: definition.source.span(start, end),
        },
      };
    });
  }

  /** The array type of a reference, which is made where it is first used. */
  #array(
    reference: TypeReference,
    definition: Definition | undefined,
    context: DefinitionContext | undefined,
    element: BuiltinType = this.#any,
  ): void {
    const name = `${reference.name}List`;
    if (!reference.array || this.#records.has(name)) return;
    const record: ArrayRecord = {
      kind: 'array',
      entity: { kind: 'array', element, ...this.#builtin(name) },
      element: reference,
      context,
      definition,
    };
    this.#add(record);
  }

  #features(
    features: readonly FeatureDefinition[],
    { source }: Definition,
    context: DefinitionContext,
  ): readonly Feature[] {
    if (features.length === 0) return noFeatures;
    this.featureLimit.add(context, features);
    return features.map(({ name, condition, start, end }) => ({
      name,
      condition,
      span: source.span(start, end),
    }));
  }

  #common(definition: Definition, context: DefinitionContext, module: Module): CommonParts {
    return {
      name: definition.name,
      span: definition.source.span(definition.node.start, definition.node.end),
      module,
      condition: definition.condition,
      features: this.#features(definition.features, definition, context),
      doc: definition.documentation,
    };
  }

  #builtin(name: string): CommonParts {
    return {
      name,
      span: undefined,
      module: this.builtinModule,
      condition: undefined,
      features: [],
      doc: undefined,
    };
  }

  #define(record: EntityRecord): void {
    const { name } = record.entity;
    const other = this.#records.get(name);
    if (other !== undefined) {
      const { nameNode } = record.definition!;
      const earlier = other.definition?.source.span(
        other.definition.nameNode.start,
        other.definition.nameNode.end,
      );
      if (earlier === undefined) {
        const kind = other.kind === 'builtin' ? 'built-in' : other.kind;
        record.context!.report('unique-names', `${kind} type '${name}' is already defined`, nameNode);
      } else {
        const message = `'${name}' is already defined\n${other.context!.note('previous definition')}`;
        record.context!.report('unique-names', message, nameNode, {
          related: { message: 'previous definition', span: earlier },
        });
      }
      return;
    }
    this.#add(record);
  }

  #add(record: EntityRecord): void {
    this.#records.set(record.entity.name, record);
    this.events.push(record);
  }
}
