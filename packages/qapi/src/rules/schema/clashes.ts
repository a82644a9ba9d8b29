import type { Located } from '../../language/ast.js';
import type { EntityRecord } from '../../schema/draft.js';
import { describePart, type NamedPart } from './describe.js';

/** The name in generated C, which is what clashes: `a-b` and `a_b` are the same. */
export function cName(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, '_').toLowerCase();
}

/** The names that are taken in one place, such as a struct with all it inherits. */
export class NameTable {
  readonly #record: EntityRecord;
  readonly #names: Map<string, NamedPart>;

  /** Clashes are reported for `record`. */
  constructor(record: EntityRecord, names?: NameTable) {
    this.#record = record;
    this.#names = new Map(names === undefined ? [] : names.#names);
  }

  /** Takes a name, or reports at `at` that it is taken; then the earlier part keeps it. */
  add(part: NamedPart, at: Located): boolean {
    const key = cName(part.name);
    const other = this.#names.get(key);
    if (other === undefined) {
      this.#names.set(key, part);
      return true;
    }
    const from = this.#record;
    const message = `${describePart(part, from)} collides with ${describePart(other, from)}`;
    from.context?.report('name-clash', message, at);
    return false;
  }
}
