import type {
  CommandDescriptor,
  EventDescriptor,
  MemberDescriptor,
  ProtocolDescriptor,
  TypeDescriptor,
  TypeRef,
} from '../runtime/descriptor.js';
import { flatMembers } from '../schema/flat-members.js';
import type { Command, EnumType, Event, Feature, Member, ObjectType, Schema, Type } from '../schema/model.js';
import { declaredTypes } from './declared.js';
import { Presence } from './presence.js';

/**
 * A schema as the data that `@godwit/qapi/runtime` works on. Without a configuration, conditional things are there
 * and conditional members optional.
 */
export function describeProtocol(schema: Schema, config?: ReadonlySet<string>): ProtocolDescriptor {
  return new ProtocolWriter(schema, new Presence(config)).protocol();
}

class ProtocolWriter {
  readonly #schema: Schema;
  readonly #presence: Presence;

  constructor(schema: Schema, presence: Presence) {
    this.#schema = schema;
    this.#presence = presence;
  }

  protocol(): ProtocolDescriptor {
    const declared = declaredTypes(this.#schema);
    const types: Record<string, TypeDescriptor> = {};
    const commands: Record<string, CommandDescriptor> = {};
    const events: Record<string, EventDescriptor> = {};
    for (const entity of this.#possible(this.#schema.entities)) {
      switch (entity.kind) {
        case 'enum':
          if (declared.has(entity)) types[entity.name] = this.#enum(entity);
          break;
        case 'alternate':
          types[entity.name] = {
            kind: 'alternate',
            alternatives: this.#possible(entity.alternatives).map(({ type }) => reference(type)),
          };
          break;
        case 'object':
          if (declared.has(entity)) types[entity.name] = this.#object(entity);
          break;
        case 'command':
          commands[entity.name] = this.#command(entity);
          break;
        case 'event':
          events[entity.name] = this.#event(entity);
          break;
      }
    }
    return { types, commands, events };
  }

  #enum(type: EnumType): TypeDescriptor {
    const values = this.#possible(type.values);
    const marked = values.filter((value) => this.#possible(value.features).length > 0);
    return {
      kind: 'enum',
      values: values.map(({ name }) => name),
      ...(marked.length > 0 && {
        features: Object.fromEntries(marked.map((value) => [value.name, this.#names(value.features)])),
      }),
    };
  }

  #object(type: ObjectType): TypeDescriptor {
    const members = this.#possible(flatMembers(type)).map((member) => this.#member(member));
    if (type.tag === undefined) return { kind: 'object', members };
    const branches = this.#possible(type.branches).filter((branch) => !isEmpty(branch.type));
    return {
      kind: 'object',
      members,
      tag: type.tag.name,
      branches: Object.fromEntries(branches.map((branch) => [branch.value, branch.type.name])),
    };
  }

  #member(member: Member): MemberDescriptor {
    return {
      name: member.name,
      type: reference(member.type),
      ...((member.optional || this.#presence.doubtful(member)) && { optional: true }),
      ...this.#features(member.features),
    };
  }

  #command(command: Command): CommandDescriptor {
    return {
      ...(command.argument !== undefined && { args: command.argument.name }),
      ...(command.returns !== undefined && { returns: reference(command.returns) }),
      ...(command.allowOob && { allowOob: true }),
      ...(command.allowPreconfig && { allowPreconfig: true }),
      ...(!command.successResponse && { noSuccessResponse: true }),
      ...(!command.generate && command.argument !== undefined && { raw: true }),
      ...this.#features(command.features),
    };
  }

  #event(event: Event): EventDescriptor {
    return {
      ...(event.argument !== undefined && { data: event.argument.name }),
      ...this.#features(event.features),
    };
  }

  #features(features: readonly Feature[]): { readonly features?: readonly string[] } {
    const names = this.#names(features);
    return names.length > 0 ? { features: names } : {};
  }

  #names(features: readonly Feature[]): string[] {
    return this.#possible(features).map(({ name }) => name);
  }

  #possible<T extends { readonly condition: Member['condition'] }>(things: readonly T[]): T[] {
    return things.filter((thing) => this.#presence.possible(thing));
  }
}

function reference(type: Type): TypeRef {
  return type.kind === 'array' ? [reference(type.element)] : type.name;
}

function isEmpty(type: ObjectType): boolean {
  return type.tag === undefined && flatMembers(type).length === 0;
}
