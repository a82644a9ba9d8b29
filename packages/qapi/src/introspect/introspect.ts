import type { SchemaInfo, SchemaInfoEnumMember, SchemaInfoObjectMember } from '../runtime/schema-info.js';
import { holds } from '../schema/condition.js';
import { flatMembers } from '../schema/flat-members.js';
import type { ArrayType, Condition, Feature, Member, Schema, Type } from '../schema/model.js';

export interface IntrospectOptions {
  /** The configuration symbols that are defined; without it every condition counts as true. */
  readonly config?: ReadonlySet<string>;
  /** Keeps the names of types, which QEMU replaces by numbers. */
  readonly unmasked?: boolean;
}

/**
 * The reply to query-qmp-schema of a server that was built from the schema: entities, order and names.
 *
 * Commands and events come first, module by module; then the types in order of their first use, each with what it
 * uses in turn. A type's number counts first uses before conditions are applied, so it does not depend on the
 * configuration.
 */
export function introspect(schema: Schema, options: IntrospectOptions = {}): SchemaInfo[] {
  return new Introspection(schema, options).reply();
}

class Introspection {
  readonly #schema: Schema;
  readonly #config: ReadonlySet<string> | undefined;
  readonly #unmasked: boolean;
  readonly #masks = new Map<string, string>();
  /** The types in order of their first use; grows while it is visited. */
  readonly #used = new Map<string, Type>();
  readonly #reply: SchemaInfo[] = [];

  constructor(schema: Schema, options: IntrospectOptions) {
    this.#schema = schema;
    this.#config = options.config;
    this.#unmasked = options.unmasked ?? false;
  }

  reply(): SchemaInfo[] {
    for (const module of this.#schema.modules) {
      for (const entity of module.contents) {
        if (entity.kind !== 'command' && entity.kind !== 'event') continue;
        // Naming the types comes first: numbers are given whether or not the entity is there.
        const argument = this.#use(entity.argument ?? this.#builtin('q_empty'));
        const returns =
          entity.kind === 'command' ? this.#use(entity.returns ?? this.#builtin('q_empty')) : undefined;
        this.#add(
          entity.condition,
          entity.kind === 'command'
            ? {
                name: entity.name,
                'meta-type': 'command',
                'arg-type': argument,
                'ret-type': returns!,
                ...(entity.allowOob && { 'allow-oob': true }),
                ...this.#features(entity.features),
              }
            : {
                name: entity.name,
                'meta-type': 'event',
                'arg-type': argument,
                ...this.#features(entity.features),
              },
        );
      }
    }
    // A Map visits what is added during the visit.
    for (const type of this.#used.values()) this.#add(conditionOf(type), this.#describe(type));
    return this.#reply;
  }

  #describe(type: Type): SchemaInfo {
    switch (type.kind) {
      case 'builtin':
        return { name: type.name, 'meta-type': 'builtin', 'json-type': type.json };
      case 'array':
        return {
          name: this.#nameOf(type),
          'meta-type': 'array',
          'element-type': this.#use(type.element),
        };
      case 'enum': {
        const members = type.values
          .filter((value) => this.#holds(value.condition))
          .map(({ name, features }): SchemaInfoEnumMember => ({ name, ...this.#features(features) }));
        return {
          name: this.#nameOf(type),
          'meta-type': 'enum',
          members,
          values: members.map(({ name }) => name),
          ...this.#features(type.features),
        };
      }
      case 'object': {
        const members = flatMembers(type).map((member) => ({ member, info: this.#member(member) }));
        const variants = type.branches.map((branch) => ({ branch, type: this.#use(branch.type) }));
        return {
          name: this.#nameOf(type),
          'meta-type': 'object',
          members: members.filter(({ member }) => this.#holds(member.condition)).map(({ info }) => info),
          ...(type.tag !== undefined && {
            tag: type.tag.name,
            variants: variants
              .filter(({ branch }) => this.#holds(branch.condition))
              .map(({ branch, type }) => ({ case: branch.value, type })),
          }),
          ...this.#features(type.features),
        };
      }
      case 'alternate': {
        const members = type.alternatives.map((alternative) => ({
          alternative,
          type: this.#use(alternative.type),
        }));
        return {
          name: this.#nameOf(type),
          'meta-type': 'alternate',
          members: members
            .filter(({ alternative }) => this.#holds(alternative.condition))
            .map(({ type }) => ({ type })),
          ...this.#features(type.features),
        };
      }
    }
  }

  #member(member: Member): SchemaInfoObjectMember {
    return {
      name: member.name,
      type: this.#use(member.type),
      ...(member.optional && { default: null }),
      ...this.#features(member.features),
    };
  }

  /** Notes the use of a type and gives the name under which the reply refers to it. */
  #use(type: Type): string {
    const used = this.#integerAsInt(type);
    if (!this.#used.has(used.name)) this.#used.set(used.name, used);
    if (used.kind === 'array') this.#use(used.element);
    return this.#nameOf(used);
  }

  #nameOf(type: Type): string {
    if (type.kind === 'builtin') return type.name;
    if (type.kind === 'array') return `[${this.#nameOf(this.#integerAsInt(type.element))}]`;
    if (this.#unmasked) return type.name;
    let mask = this.#masks.get(type.name);
    if (mask === undefined) {
      mask = `${this.#masks.size}`;
      this.#masks.set(type.name, mask);
    }
    return mask;
  }

  /** A client sees one integer type, alone and in arrays. */
  #integerAsInt(type: Type): Type {
    if (type.kind === 'builtin' && type.json === 'int') return this.#builtin('int');
    if (type.kind !== 'array') return type;
    const element = this.#integerAsInt(type.element);
    return element === type.element ? type : integerArray(type, element);
  }

  #builtin(name: string): Type {
    const type = this.#schema.lookupType(name);
    if (type === undefined) throw new TypeError(`the schema has no type '${name}'`);
    return type;
  }

  /** An empty list is left out, but not one whose conditions are all false. */
  #features(features: readonly Feature[]): { features?: string[] } {
    if (features.length === 0) return {};
    return {
      features: features.filter(({ condition }) => this.#holds(condition)).map(({ name }) => name),
    };
  }

  #holds(condition: Condition | undefined): boolean {
    return this.#config === undefined || holds(condition, this.#config);
  }

  #add(condition: Condition | undefined, info: SchemaInfo): void {
    if (this.#holds(condition)) this.#reply.push(info);
  }
}

function integerArray(array: ArrayType, element: Type): ArrayType {
  return { ...array, name: `${element.name}List`, element };
}

/** An array is there when its elements are. */
function conditionOf(type: Type): Condition | undefined {
  return type.kind === 'array' ? conditionOf(type.element) : type.condition;
}
