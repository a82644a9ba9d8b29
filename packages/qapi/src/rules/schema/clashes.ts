import type { Located } from '../../language/ast.js';
import type { EntityRecord } from '../../schema/draft.js';
import { describePart, type NamedPart } from './describe.js';

/** What is the same in generated C. */
const plainName = /^[a-z0-9_]*$/;

/** The name in generated C, which is what clashes: `a-b` and `a_b` are the same. */
function cName(name: string): string {
  return plainName.test(name) ? name : name.replaceAll('-', '_').replaceAll('.', '_').toLowerCase();
}

/** A name that clashes with an earlier one. */
export type Clash = readonly [name: NamedPart, other: NamedPart];

/** Reports a clash for `record` at `at`. */
export function reportClash(record: EntityRecord, [name, other]: Clash, at: Located): void {
  const message = `${describePart(name, record)} collides with ${describePart(other, record)}`;
  record.context?.report('name-clash', message, at);
}

/** The names that are taken in one place, such as a struct with all it inherits. */
export class NameTable {
  /** Without those of the outer tables, by their name in generated C. */
  readonly own = new Map<string, NamedPart>();
  readonly #outer: NameTable | undefined;

  /** The names of `outer` are taken as well. */
  constructor(outer?: NameTable) {
    this.#outer = outer;
  }

  /** Takes a name, or reports for `record` at `at` that it is taken; then the earlier part keeps it. */
  add(record: EntityRecord, part: NamedPart, at: Located): void {
    const key = cName(part.name);
    const other = this.find(key);
    if (other === undefined) this.own.set(key, part);
    else reportClash(record, [part, other], at);
  }

  /** What has a name in generated C. */
  find(key: string): NamedPart | undefined {
    for (let table: NameTable | undefined = this; table !== undefined; table = table.#outer) {
      const part = table.own.get(key);
      if (part !== undefined) return part;
    }
    return undefined;
  }

  /** The table and those around it, outermost first. */
  lineage(): NameTable[] {
    const tables: NameTable[] = [this];
    for (let table = this.#outer; table !== undefined; table = table.#outer) tables.push(table);
    return tables.reverse();
  }
}
