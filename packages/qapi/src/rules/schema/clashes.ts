import type { Located } from '../../language/ast.js';
import type { EntityRecord } from '../../schema/draft.js';
import { describePart, type NamedPart } from './describe.js';

/** The name in generated C, which is what clashes: `a-b` and `a_b` are the same. */
function cName(name: string): string {
  return name.replaceAll('-', '_').replaceAll('.', '_').toLowerCase();
}

/** The names that are taken in one place, such as a struct with all it inherits. */
export class NameTable {
  readonly #names = new Map<string, NamedPart>();
  readonly #outer: NameTable | undefined;

  /** The names of `outer` are taken as well. */
  constructor(outer?: NameTable) {
    this.#outer = outer;
  }

  /** Takes a name, or reports for `record` at `at` that it is taken; then the earlier part keeps it. */
  add(record: EntityRecord, part: NamedPart, at: Located): boolean {
    const key = cName(part.name);
    const other = this.#find(key);
    if (other === undefined) {
      this.#names.set(key, part);
      return true;
    }
    const message = `${describePart(part, record)} collides with ${describePart(other, record)}`;
    record.context?.report('name-clash', message, at);
    return false;
  }

  #find(key: string): NamedPart | undefined {
    for (let table: NameTable | undefined = this; table !== undefined; table = table.#outer) {
      const part = table.#names.get(key);
      if (part !== undefined) return part;
    }
    return undefined;
  }
}
