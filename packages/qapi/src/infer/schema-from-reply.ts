import type { Span } from '../language/span.js';
import { isIntegerName } from '../runtime/integers.js';
import type {
  SchemaInfo,
  SchemaInfoAlternate,
  SchemaInfoBuiltin,
  SchemaInfoCommand,
  SchemaInfoEnum,
  SchemaInfoEvent,
  SchemaInfoObject,
} from '../runtime/schema-info.js';
import { flatMembers } from '../schema/flat-members.js';
import type {
  AlternateType,
  Branch,
  Command,
  Entity,
  Event,
  Feature,
  Member,
  Module,
  ObjectType,
  Schema,
  Type,
} from '../schema/model.js';
import { correspondence, type Reply, replyByName } from './correspondence.js';
import { typeNames } from './type-names.js';

/** A reply to query-qmp-schema that refers to what it does not hold. */
export class IncompleteReply extends Error {
  constructor(type: string) {
    super(`the reply to query-qmp-schema has no type '${type}' where it is used`);
    this.name = 'IncompleteReply';
  }
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

const nowhere: Span = { file: 'query-qmp-schema', start: 0, end: 0, line: 1, column: 1 };

/**
 * Builds a schema from a server's reply to query-qmp-schema. With a known schema that is the same or similar, types
 * take its names, documentation and integer widths, and commands the flags that introspection does not show.
 *
 * @throws IncompleteReply
 */
export function schemaFromReply(infos: readonly SchemaInfo[], known?: Schema): Schema {
  return new ReplyReader(infos, known).schema();
}

class ReplyReader {
  readonly #reply: Reply;
  readonly #known: Schema | undefined;
  readonly #counterparts: ReadonlyMap<string, Type>;
  readonly #names: ReadonlyMap<string, string>;
  readonly #builtins: Mutable<Module> = { name: './builtin', contents: [] };
  readonly #module: Mutable<Module> = { name: 'query-qmp-schema', contents: [] };
  /** By their names in the schema, in the order in which they were made. */
  readonly #types = new Map<string, Type>();
  /** What fills in the objects and alternates that were made: later, since they may contain themselves. */
  readonly #unfinished: (() => void)[] = [];

  constructor(infos: readonly SchemaInfo[], known: Schema | undefined) {
    this.#reply = replyByName(infos);
    this.#known = known;
    this.#counterparts = known === undefined ? new Map() : correspondence(this.#reply, known);
    this.#names = typeNames(this.#reply, this.#counterparts);
  }

  schema(): Schema {
    const commands = new Map<string, Command>();
    const events = new Map<string, Event>();
    // In the order of the reply, in which the modules' commands and events are mixed.
    const calls: (Command | Event)[] = [];
    for (const info of this.#reply.values()) {
      if (info['meta-type'] === 'command') {
        const command = this.#command(info);
        commands.set(info.name, command);
        calls.push(command);
      } else if (info['meta-type'] === 'event') {
        const event = this.#event(info);
        events.set(info.name, event);
        calls.push(event);
      } else if (info.name === 'int' || this.#isEmpty(info.name)) {
        this.#type(info.name, undefined);
      }
    }
    // The list grows while it is walked.
    for (const finish of this.#unfinished) finish();
    const types = [...this.#types.values()];
    this.#builtins.contents = types.filter((type) => type.module === this.#builtins);
    this.#module.contents = [...types.filter((type) => type.module === this.#module), ...calls];
    const modules = [this.#builtins, this.#module];
    return {
      modules,
      entities: modules.flatMap((module) => module.contents as readonly Entity[]),
      lookupType: (name) => this.#types.get(name),
      lookupCommand: (name) => commands.get(name),
      lookupEvent: (name) => events.get(name),
      documentation: [],
    };
  }

  #command(info: SchemaInfoCommand): Command {
    const known = this.#known?.lookupCommand(info.name);
    return {
      ...this.#entity(info),
      kind: 'command',
      doc: known?.doc,
      argument: this.#argument(info['arg-type']),
      returns: this.#isEmpty(info['ret-type']) ? undefined : this.#type(info['ret-type'], known?.returns),
      boxed: known?.boxed ?? false,
      generate: known?.generate ?? true,
      successResponse: known?.successResponse ?? true,
      allowOob: info['allow-oob'] ?? false,
      allowPreconfig: known?.allowPreconfig ?? false,
      coroutine: known?.coroutine ?? false,
    };
  }

  #event(info: SchemaInfoEvent): Event {
    const known = this.#known?.lookupEvent(info.name);
    return {
      ...this.#entity(info),
      kind: 'event',
      doc: known?.doc,
      argument: this.#argument(info['arg-type']),
      boxed: known?.boxed ?? false,
    };
  }

  #isEmpty(name: string): boolean {
    return this.#names.get(name) === 'q_empty';
  }

  #argument(name: string): ObjectType | AlternateType | undefined {
    if (this.#isEmpty(name)) return undefined;
    const type = this.#type(name, undefined);
    if (type.kind !== 'object' && type.kind !== 'alternate') throw new IncompleteReply(name);
    return type;
  }

  /** `known` is the counterpart of this use; it tells the width of an integer. */
  #type(name: string, known: Type | undefined): Type {
    const info = this.#reply.get(name);
    const made = this.#types.get(this.#names.get(name) ?? '');
    if (made !== undefined) return made;
    switch (info?.['meta-type']) {
      case 'builtin':
        return this.#builtin(info, known);
      case 'array': {
        if (this.#reply.get(info['element-type'])?.['meta-type'] === 'array') throw new IncompleteReply(name);
        const element = this.#type(info['element-type'], known?.kind === 'array' ? known.element : undefined);
        const listName = `${element.name}List`;
        const { module } = element;
        return (
          this.#types.get(listName) ??
          this.#add({
            ...this.#entity(info),
            kind: 'array',
            name: listName,
            module,
            span: undefined,
            element,
          })
        );
      }
      case 'enum':
        return this.#enum(info);
      case 'object':
        return this.#object(info);
      case 'alternate':
        return this.#alternate(info);
      default:
        throw new IncompleteReply(name);
    }
  }

  #builtin(info: SchemaInfoBuiltin, known: Type | undefined): Type {
    const name =
      known !== undefined && info.name === 'int' && isIntegerName(known.name) ? known.name : info.name;
    return (
      this.#types.get(name) ??
      this.#add({
        ...this.#entity(info),
        kind: 'builtin',
        name,
        span: undefined,
        module: this.#builtins,
        json: info['json-type'],
      })
    );
  }

  #enum(info: SchemaInfoEnum): Type {
    const members = info.members ?? info.values.map((name) => ({ name, features: [] }));
    return this.#add({
      ...this.#entity(info),
      kind: 'enum',
      values: members.map((member) => ({
        name: member.name,
        condition: undefined,
        features: features(member.features),
        span: nowhere,
      })),
      prefix: undefined,
    });
  }

  #object(info: SchemaInfoObject): Type {
    const entity = this.#entity(info);
    const type: Mutable<ObjectType> = {
      ...entity,
      kind: 'object',
      origin: entity.name.startsWith('q_') ? 'implicit' : info.tag === undefined ? 'struct' : 'union',
      base: undefined,
      members: [],
      tag: undefined,
      branches: [],
    };
    this.#unfinished.push(() => this.#finishObject(type, info));
    return this.#add(type);
  }

  #finishObject(type: Mutable<ObjectType>, info: SchemaInfoObject): void {
    const known = this.#counterparts.get(info.name);
    const knownMembers = new Map(
      known?.kind === 'object' ? flatMembers(known).map((member) => [member.name, member.type]) : [],
    );
    type.members = info.members.map((member) =>
      this.#member(
        member.name,
        member.type,
        knownMembers.get(member.name),
        'default' in member,
        member.features,
      ),
    );
    type.tag = type.members.find((member) => member.name === info.tag);
    type.branches = (info.variants ?? []).map((variant): Branch => {
      const branch = this.#type(variant.type, undefined);
      if (branch.kind !== 'object') throw new IncompleteReply(variant.type);
      const implicit = branch.name === 'q_empty';
      return { value: variant.case, type: branch, condition: undefined, span: undefined, implicit };
    });
  }

  #alternate(info: SchemaInfoAlternate): Type {
    const type: Mutable<AlternateType> = { ...this.#entity(info), kind: 'alternate', alternatives: [] };
    this.#unfinished.push(() => {
      type.alternatives = info.members.map((member, index) =>
        this.#member(`${index}`, member.type, undefined, false, []),
      );
    });
    return this.#add(type);
  }

  #member(
    name: string,
    type: string,
    known: Type | undefined,
    optional: boolean,
    featureNames: readonly string[] | undefined,
  ): Member {
    return {
      name,
      type: this.#type(type, known),
      optional,
      condition: undefined,
      features: features(featureNames),
      span: undefined,
    };
  }

  #entity(info: SchemaInfo): Pick<Type, 'name' | 'span' | 'module' | 'condition' | 'features' | 'doc'> {
    return {
      name: this.#names.get(info.name) ?? info.name,
      span: nowhere,
      module: this.#module,
      condition: undefined,
      features: features(info.features),
      doc: this.#counterparts.get(info.name)?.doc,
    };
  }

  #add(type: Type): Type {
    this.#types.set(type.name, type);
    return type;
  }
}

function features(names: readonly string[] | undefined): Feature[] {
  return (names ?? []).map((name) => ({ name, condition: undefined, span: nowhere }));
}
