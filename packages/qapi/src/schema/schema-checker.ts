import type { Located } from '../language/ast.js';
import type { DefinitionContext } from '../rules/definition/context.js';
import { checkAlternatives } from '../rules/schema/alternatives.js';
import { checkArguments } from '../rules/schema/arguments.js';
import { ComparisonBudget, checkBranchClashes } from '../rules/schema/branch-clashes.js';
import { NameTable } from '../rules/schema/clashes.js';
import { describePart, describeType, type MemberRole } from '../rules/schema/describe.js';
import { checkDiscriminator, tagEnum } from '../rules/schema/discriminator.js';
import { checkDocumented } from '../rules/schema/documented.js';
import { checkFeatureNames, checkFeatures } from '../rules/schema/features.js';
import { resolveType } from '../rules/schema/known-types.js';
import { checkReturns } from '../rules/schema/returns.js';
import type { TypeReference } from './definition.js';
import type {
  AlternateRecord,
  ArrayRecord,
  CommandRecord,
  Draft,
  EntityRecord,
  EnumRecord,
  EventRecord,
  ObjectRecord,
  TypeRecord,
} from './draft.js';
import type { EntityTable } from './entity-table.js';
import type { Branch } from './model.js';

/** How many types an object may inherit from, one through the other. */
const maximumInheritance = 500;

/** Resolves the references of all entities and applies the rules that span definitions. */
export class SchemaChecker {
  readonly #table: EntityTable;
  /** True as soon as an object was found that contains itself. */
  #endless = false;
  readonly #comparisons = new ComparisonBudget();
  /** How many objects are being checked, one within the other. */
  #depth = 0;
  /** The names that the members of an object take, those of its bases included. */
  readonly #names = new Map<ObjectRecord, NameTable>();

  constructor(table: EntityTable) {
    this.#table = table;
  }

  check(record: EntityRecord): void {
    this.#check(record);
    checkDocumented(record);
  }

  #check(record: EntityRecord): void {
    switch (record.kind) {
      case 'builtin':
        return;
      case 'enum':
        this.#enum(record);
        break;
      case 'array':
        this.#array(record);
        break;
      case 'object':
        this.#object(record);
        return;
      case 'alternate':
        this.#alternate(record);
        break;
      case 'command':
        this.#command(record);
        break;
      case 'event':
        this.#event(record);
        break;
    }
  }

  #enum(record: EnumRecord): void {
    checkFeatures(record);
    if (record.definition?.kind !== 'enum') return;
    const names = new NameTable();
    for (const value of record.definition.values) {
      names.add(record, { role: 'value', name: value.name, owner: record }, value);
      checkFeatureNames(record, value.features);
    }
  }

  #array(record: ArrayRecord): void {
    const { context, definition, entity } = record;
    if (context === undefined) return;
    const reference: TypeReference = { ...record.element, array: false };
    const element = resolveType(this.#table, context, reference, () => definition!.kind);
    if (element === undefined) return;
    entity.element = element.entity;
    entity.module = element.entity.module;
    entity.condition = element.entity.condition;
  }

  /** False when the object contains itself, or what it inherits from does. */
  #object(record: ObjectRecord): boolean {
    if (record.state === 'checked') return true;
    const { context, entity, definition } = record;
    if (context === undefined || definition === undefined) return true;
    if (record.state === 'checking') {
      this.#endless = true;
      context.report('containment', `object ${entity.name} contains itself`, definition.nameNode);
      return false;
    }
    if (this.#depth >= maximumInheritance) {
      reportTooDeep(record);
      return false;
    }
    record.state = 'checking';
    this.#depth++;
    this.#objectParts(record, context);
    this.#depth--;
    record.state = 'checked';
    return true;
  }

  #objectParts(record: ObjectRecord, context: DefinitionContext): void {
    checkFeatures(record);
    const base = this.#base(record);
    const names = new NameTable(base && this.#names.get(base));
    this.#names.set(record, names);
    for (const { member, written } of record.members) {
      const owner = record;
      const type = resolveType(this.#table, context, written.type, () =>
        this.#describe('member', written.name, owner),
      );
      if (type !== undefined) member.type = type.entity;
      checkFeatureNames(record, written.features);
      names.add(record, { role: 'member', name: written.name, owner }, written);
    }
    if (record.discriminator !== undefined) this.#branches(record, base);
  }

  #base(record: ObjectRecord): ObjectRecord | undefined {
    if (record.base === undefined) return undefined;
    const { context } = record;
    let base: TypeRecord | undefined;
    let at: Located | undefined;
    if ('kind' in record.base) {
      base = record.base;
    } else {
      at = record.base;
      base = resolveType(this.#table, context, record.base, () => "'base'");
    }
    if (base === undefined) return undefined;
    if (base.kind !== 'object' || base.discriminator !== undefined) {
      context!.report('base', `'base' requires a struct type, ${describeType(base.entity)} isn't`, at!);
      return undefined;
    }
    if (!this.#object(base)) return undefined;
    record.depth = base.depth + 1;
    if (record.depth > maximumInheritance) {
      reportTooDeep(record);
      return undefined;
    }
    record.entity.base = base.entity;
    return base;
  }

  #branches(record: ObjectRecord, base: ObjectRecord | undefined): void {
    const { context, entity } = record;
    const tag = base && checkDiscriminator(record, base.entity);
    if (base === undefined || tag === undefined) return;
    entity.tag = tag;
    const values = tagEnum(tag).values;
    const known = new Set(values.map(({ name }) => name));
    const branches: Draft<Branch>[] = [];
    for (const { member, written } of record.branches) {
      const what = (): string => this.#describe('branch', written.name, record);
      const type = resolveType(this.#table, context, written.type, what);
      if (!known.has(written.name)) {
        context!.report('branch-values', `${what()} is not a value of ${describeType(tag.type)}`, written);
      }
      if (type === undefined) continue;
      const nested = type.kind === 'object' && type.discriminator !== undefined;
      if (type.kind !== 'object' || (nested && !context!.dialect.unionBranches)) {
        context!.report('branch-types', `${what()} cannot use ${describeType(type.entity)}`, written.type);
        continue;
      }
      if (!this.#object(type)) continue;
      member.type = type.entity;
      branches.push(member);
    }
    const explicit = new Set(branches.map(({ value }) => value));
    for (const { name, condition } of values) {
      if (explicit.has(name)) continue;
      branches.push({ value: name, type: this.#table.empty, condition, span: undefined, implicit: true });
    }
    if (branches.length === 0 && context!.failed === false) {
      context!.report('union-branches', 'union has no branches', record.definition!.nameNode);
    }
    entity.branches = branches;
    // Where objects contain themselves, there would be no end of branches.
    if (this.#endless) return;
    checkBranchClashes(record, (name) => this.#checkedObject(name), this.#comparisons);
  }

  /** An object and the names in it, as far as it was checked. */
  #checkedObject(name: string): { record: ObjectRecord; names: NameTable } | undefined {
    const record = this.#table.get(name);
    if (record?.kind !== 'object') return undefined;
    const names = this.#names.get(record);
    return names === undefined ? undefined : { record, names };
  }

  #alternate(record: AlternateRecord): void {
    checkFeatures(record);
    const resolved: (readonly [number, TypeRecord])[] = [];
    const names = new NameTable();
    for (const [index, { member, written }] of record.alternatives.entries()) {
      const what = (): string => this.#describe('branch', written.name, record);
      const type = resolveType(this.#table, record.context, written.type, what);
      names.add(record, { role: 'branch', name: written.name, owner: record }, written);
      if (type === undefined) continue;
      member.type = type.entity;
      resolved.push([index, type]);
    }
    checkAlternatives(record, resolved);
  }

  #command(record: CommandRecord): void {
    checkFeatures(record);
    this.#argument(record);
    if (record.returns === undefined) return;
    const returns = resolveType(this.#table, record.context, record.returns, () => "command's 'returns'");
    if (returns === undefined) return;
    record.entity.returns = returns.entity;
    checkReturns(record, record.returns, returns);
  }

  #event(record: EventRecord): void {
    checkFeatures(record);
    this.#argument(record);
  }

  #argument(record: CommandRecord | EventRecord): void {
    const { argument, context } = record;
    if (argument === undefined) return;
    const type =
      'kind' in argument
        ? argument
        : resolveType(this.#table, context, argument, () => `${record.kind}'s 'data'`);
    if (type === undefined || !checkArguments(record, type)) return;
    if (type.kind === 'object') record.entity.argument = type.entity;
  }

  #describe(role: MemberRole, name: string, owner: EntityRecord): string {
    return describePart({ role, name, owner }, owner);
  }
}

function reportTooDeep({ context, definition }: ObjectRecord): void {
  const message = `inherits or contains more than ${maximumInheritance} objects, one through the other`;
  context!.report('containment', message, definition!.nameNode);
}
