import type { Located } from '../../language/ast.js';
import type { ObjectRecord } from '../../schema/draft.js';
import { NameTable } from './clashes.js';

/** How many members are compared for one union; unions nested in branches multiply. */
const maximumComparisons = 1_000_000;

/** Members of a branch do not clash with those outside it; a branch may itself be a union. */
export function checkBranchClashes(
  union: ObjectRecord,
  outer: NameTable,
  recordOf: (name: string) => ObjectRecord | undefined,
): void {
  let comparisons = 0;

  /** False when there is no use in going on. */
  const walk = (branch: ObjectRecord, names: NameTable, at: Located): boolean => {
    for (const owner of lineage(branch, recordOf)) {
      for (const { written } of owner.members) {
        if (++comparisons > maximumComparisons) {
          union.context!.report('name-clash', 'unions are nested in too many combinations to be checked', at);
          return false;
        }
        if (!names.add(union, { role: 'member', name: written.name, owner }, at)) return true;
      }
    }
    return branch.discriminator === undefined || walkBranches(branch, names, at);
  };

  const walkBranches = (record: ObjectRecord, names: NameTable, within?: Located): boolean => {
    const seen = new Set<string>();
    for (const { written } of record.branches) {
      if (seen.has(written.type.name)) continue;
      seen.add(written.type.name);
      const branch = recordOf(written.type.name);
      if (branch?.state !== 'checked') continue;
      if (!walk(branch, new NameTable(names), within ?? written)) return false;
    }
    return true;
  };

  walkBranches(union, outer);
}

/** An object and what it inherits from, outermost base first. */
function lineage(record: ObjectRecord, recordOf: (name: string) => ObjectRecord | undefined): ObjectRecord[] {
  const line = [record];
  for (let base = record.entity.base; base !== undefined; base = base.base) {
    const next = recordOf(base.name);
    if (next !== undefined) line.unshift(next);
  }
  return line;
}
