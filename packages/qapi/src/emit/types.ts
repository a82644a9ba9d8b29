import { integerTypes, isIntegerName } from '../runtime/integers.js';
import type { Documentation } from '../schema/documentation.js';
import { flatMembers } from '../schema/flat-members.js';
import type {
  AlternateType,
  Command,
  EnumType,
  Event,
  Feature,
  Member,
  ObjectType,
  Type,
} from '../schema/model.js';
import type { GenerationContext } from './context.js';
import { declaredTypes } from './declared.js';
import { isImplicit } from './identifiers.js';
import { propertyName, quote } from './literal.js';
import { interfaceLines, lineWidth, type SourceFile } from './source-file.js';
import { sectionText, TsDoc } from './tsdoc.js';

export const runtimeModule = '@godwit/qapi/runtime';

/** Writes the declarations of all types of a schema into a file. */
export function emitTypes(context: GenerationContext, file: SourceFile): void {
  const { schema, presence } = context;
  const writer = new TypeWriter(context, file);
  const declared = declaredTypes(schema);
  for (const entity of schema.entities) {
    if (entity.kind === 'enum' || entity.kind === 'object' || entity.kind === 'alternate') {
      if (declared.has(entity) && presence.possible(entity)) file.add(...writer.declaration(entity), '');
    }
  }
}

/** A reference to a type, as another declaration writes it; `received` opens enums to values of newer servers. */
export function typeReference(
  context: GenerationContext,
  file: SourceFile,
  type: Type,
  received: boolean,
): string {
  switch (type.kind) {
    case 'builtin':
      return builtin(type.name, file);
    case 'array': {
      const element = typeReference(context, file, type.element, received);
      return /^[\w$]+(<[\w$]+>)?(\[\])*$/.test(element) ? `${element}[]` : `(${element})[]`;
    }
    case 'enum': {
      const name = context.typeName(type, file);
      return received ? `${file.importType(runtimeModule, 'Open')}<${name}>` : name;
    }
    default:
      return context.typeName(type, file);
  }
}

function builtin(name: string, file: SourceFile): string {
  if (isIntegerName(name)) return integerTypes[name].wide ? 'bigint' : 'number';
  switch (name) {
    case 'str':
      return 'string';
    case 'bool':
      return 'boolean';
    case 'number':
    case 'null':
      return name;
    case 'any':
      return file.importType(runtimeModule, 'JsonValue');
    default:
      throw new TypeError(`'${name}' is no built-in type`);
  }
}

class TypeWriter {
  readonly #context: GenerationContext;
  readonly #file: SourceFile;
  /** By object, the members that tell the branches of a union apart: they stay closed, so that a comparison narrows. */
  readonly #tags = new Map<ObjectType, Set<string>>();
  /** What documents an implicit type: the command or event whose arguments it holds. */
  readonly #owners = new Map<Type, Command | Event>();

  constructor(context: GenerationContext, file: SourceFile) {
    this.#context = context;
    this.#file = file;
    for (const entity of context.schema.entities) {
      if (entity.kind === 'object' && entity.tag !== undefined) this.#noteTag(entity, entity.tag.name);
      if (entity.kind !== 'command' && entity.kind !== 'event') continue;
      if (entity.argument !== undefined && isImplicit(entity.argument))
        this.#owners.set(entity.argument, entity);
    }
  }

  #noteTag(union: ObjectType, tag: string): void {
    for (let type = union.base; type !== undefined; type = type.base) {
      this.#tags.set(type, (this.#tags.get(type) ?? new Set()).add(tag));
    }
  }

  declaration(type: EnumType | ObjectType | AlternateType): string[] {
    const name = this.#context.identifiers.of(type);
    switch (type.kind) {
      case 'enum':
        return [
          ...this.#enumDoc(type),
          ...this.#union(
            name,
            this.#possible(type.values).map((value) => quote(value.name)),
          ),
        ];
      case 'alternate':
        return [...this.#alternateDoc(type), ...this.#union(name, this.#alternatives(type))];
      case 'object':
        return type.tag === undefined ? this.#struct(name, type) : this.#taggedUnion(name, type, type.tag);
    }
  }

  #struct(name: string, type: ObjectType): string[] {
    const owner = this.#owners.get(type);
    const doc = owner?.doc ?? type.doc;
    const head =
      owner === undefined
        ? this.#definitionDoc(type)
        : new TsDoc()
            .text(owner.kind === 'command' ? `Arguments of \`${owner.name}\`.` : `Data of \`${owner.name}\`.`)
            .lines();
    const heritage =
      type.base === undefined ? '' : ` extends ${this.#context.typeName(type.base, this.#file)}`;
    return [...head, ...this.#interface(name, heritage, type, this.#possible(type.members), doc)];
  }

  #interface(
    name: string,
    heritage: string,
    type: ObjectType,
    members: readonly Member[],
    doc: Documentation | undefined,
  ): string[] {
    return interfaceLines(
      `${name}${heritage}`,
      members.flatMap((member) => this.#member(member, type, doc)),
    );
  }

  #member(member: Member, type: ObjectType, doc: Documentation | undefined): string[] {
    const { presence, received } = this.#context;
    const optional = member.optional || presence.doubtful(member) ? '?' : '';
    const open = received.has(type) && !this.#tags.get(type)?.has(member.name);
    const reference = typeReference(this.#context, this.#file, member.type, open);
    return [
      ...new TsDoc()
        .text(sectionText(doc, 'member', member.name))
        .marks(...this.#marks({ ...member, doc }))
        .lines('  '),
      `  ${propertyName(member.name)}${optional}: ${reference};`,
    ];
  }

  /**
   * A discriminated union: what all branches have, and for each tag value what its branch adds. An implicit base
   * becomes an interface of its own, without the tag.
   */
  #taggedUnion(name: string, type: ObjectType, tag: Member): string[] {
    const { base } = type;
    const shared: string[] = [];
    const before: string[] = [];
    if (base !== undefined && !isImplicit(base)) {
      shared.push(this.#context.typeName(base, this.#file));
    } else {
      const members = this.#possible(flatMembers(type)).filter(({ name }) => name !== tag.name);
      if (members.length > 0) {
        const baseName = base === undefined ? `${name}Base` : this.#context.identifiers.of(base);
        before.push(
          ...new TsDoc().text(`What every branch of \`${name}\` has.`).lines(),
          ...this.#interface(baseName, '', type, members, type.doc),
          '',
        );
        shared.push(baseName);
      }
    }
    const branches = this.#possible(type.branches).map((branch) => {
      const own = `{ ${propertyName(tag.name)}${this.#context.presence.doubtful(tag) ? '?' : ''}: ${quote(branch.value)} }`;
      const adds = this.#context.identifiers.has(branch.type)
        ? [this.#context.typeName(branch.type, this.#file)]
        : [];
      const parts = [own, ...shared, ...adds];
      return parts.length === 1 ? own : `(${parts.join(' & ')})`;
    });
    return [...before, ...this.#definitionDoc(type), ...this.#union(name, branches)];
  }

  #alternatives(type: AlternateType): string[] {
    const { received } = this.#context;
    return this.#possible(type.alternatives).map((alternative) =>
      typeReference(this.#context, this.#file, alternative.type, received.has(type)),
    );
  }

  #union(name: string, alternatives: readonly string[]): string[] {
    const flat = alternatives.length === 0 ? 'never' : alternatives.join(' | ');
    const unwrapped = alternatives.length === 1 ? flat.replace(/^\((.*)\)$/, '$1') : flat;
    const line = `export type ${name} = ${unwrapped};`;
    // Several object types go one a line, as the formatter has them.
    const objects = alternatives.filter((one) => one.startsWith('{')).length;
    if (line.length <= lineWidth && objects < 2) return [line];
    const lines = alternatives.map((alternative) => `  | ${alternative}`);
    lines.push(`${lines.pop()};`);
    return [`export type ${name} =`, ...lines];
  }

  #enumDoc(type: EnumType): string[] {
    const documented = this.#possible(type.values).map((value) => ({
      name: value.name,
      text: [
        sectionText(type.doc, 'member', value.name),
        ...value.features.map(({ name }) => featureOfValue(name, type.doc)),
      ]
        .filter((text) => text !== '')
        .join(' '),
    }));
    const doc = new TsDoc().definition(type.doc);
    if (documented.some(({ text }) => text !== '')) doc.list(documented);
    return doc.marks(...this.#marks(type)).lines();
  }

  #alternateDoc(type: AlternateType): string[] {
    const documented = this.#possible(type.alternatives)
      .map(({ name }) => ({ name, text: sectionText(type.doc, 'member', name) }))
      .filter(({ text }) => text !== '');
    return new TsDoc()
      .definition(type.doc)
      .list(documented)
      .marks(...this.#marks(type))
      .lines();
  }

  #definitionDoc(type: ObjectType): string[] {
    return new TsDoc()
      .definition(type.doc)
      .marks(...this.#marks(type))
      .lines();
  }

  #marks(thing: {
    readonly features: readonly Feature[];
    readonly condition: Member['condition'];
    readonly doc?: Documentation | undefined;
  }): Parameters<TsDoc['marks']> {
    const { presence } = this.#context;
    const features = thing.features.filter((feature) => presence.possible(feature));
    return [features, thing.doc, presence.doubtful(thing) ? thing.condition : undefined];
  }

  #possible<T extends { readonly condition: Member['condition'] }>(things: readonly T[]): T[] {
    return things.filter((thing) => this.#context.presence.possible(thing));
  }
}

/** A value has no place for tags, so its features stand in its text. */
function featureOfValue(name: string, doc: Documentation | undefined): string {
  const text = sectionText(doc, 'feature', name);
  return text === '' ? `(${name})` : `(${name}: ${text})`;
}
