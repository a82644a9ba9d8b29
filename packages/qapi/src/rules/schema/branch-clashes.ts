import type { Located } from '../../language/ast.js';
import type { ObjectRecord } from '../../schema/draft.js';
import { type Clash, type NameTable, reportClash } from './clashes.js';

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
  checked: (name: string) => { readonly record: ObjectRecord; readonly names: NameTable } | undefined,
  budget: ComparisonBudget,
): void {
  /** False when there is no use in going on. */
  const walk = (record: ObjectRecord, outer: readonly NameTable[], within?: Located): boolean => {
    const seen = new Set<string>();
    for (const { written } of record.branches) {
      const branch = seen.has(written.type.name) ? undefined : checked(written.type.name);
      seen.add(written.type.name);
      if (branch === undefined) continue;
      const at = within ?? written;
      const clash = firstClash(branch.names, outer, () => budget.spend(() => reportTooMany(union, at)));
      if (budget.exhausted) return false;
      if (clash !== undefined) reportClash(union, clash, at);
      else if (branch.record.discriminator !== undefined) {
        if (!walk(branch.record, [...outer, branch.names], at)) return false;
      }
    }
    return true;
  };

  walk(union, [checked(union.entity.name)!.names]);
}

/** The first name of a branch that is taken outside it; `spend` is called for each that is looked at. */
function firstClash(branch: NameTable, outer: readonly NameTable[], spend: () => boolean): Clash | undefined {
  for (const table of branch.lineage()) {
    for (const [key, part] of table.own) {
      if (!spend()) return undefined;
      for (const names of outer) {
        const other = names.find(key);
        if (other !== undefined) return [part, other];
      }
    }
  }
  return undefined;
}

function reportTooMany(union: ObjectRecord, at: Located): void {
  union.context!.report('name-clash', 'unions are nested in too many combinations to be checked', at);
}
