import type { Located } from '../../language/ast.js';
import type { ObjectRecord } from '../../schema/draft.js';
import { NameTable } from './clashes.js';

/** How many members are compared in one schema; unions nested in branches multiply. */
const maximumComparisons = 2_000_000;

/** What is left of the comparisons. */
export class ComparisonBudget {
  #left = maximumComparisons;
  /** True as soon as nothing is left, and that was reported. */
  exhausted = false;

  /** False when nothing is left; the first time, `report` is called. */
  spend(report: () => void): boolean {
    if (this.exhausted) return false;
    if (this.#left-- > 0) return true;
    this.exhausted = true;
    report();
    return false;
  }
}

/** Members of a branch do not clash with those outside it; a branch may itself be a union. */
export function checkBranchClashes(
  union: ObjectRecord,
  outer: NameTable,
  recordOf: (name: string) => ObjectRecord | undefined,
  budget: ComparisonBudget,
): void {
  /** False when there is no use in going on. */
  const walk = (branch: ObjectRecord, names: NameTable, at: Located): boolean => {
    for (const owner of lineage(branch, recordOf)) {
      for (const { written } of owner.members) {
        if (!budget.spend(() => reportTooMany(union, at))) return false;
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

function reportTooMany(union: ObjectRecord, at: Located): void {
  union.context!.report('name-clash', 'unions are nested in too many combinations to be checked', at);
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
