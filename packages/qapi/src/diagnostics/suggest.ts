/** Longer names are not compared. */
const maximumLength = 64;
/** How many names are compared in all for one schema, so that many errors do not take long. */
const maximumComparisons = 50_000;

/** Finds the name that was meant by one that is not known. */
export class Suggestions {
  #left = maximumComparisons;

  /** The candidate that was most probably meant; undefined when none is near enough to be sure. */
  find(name: string, candidates: Iterable<string>): string | undefined {
    if (name.length > maximumLength) return undefined;
    const folded = fold(name);
    const allowed = Math.floor(name.length / 4);
    let best: string | undefined;
    let bestDistance = allowed + 1;
    let ambiguous = false;
    for (const candidate of candidates) {
      if (this.#left-- <= 0) return undefined;
      if (fold(candidate) === folded) return candidate;
      if (Math.abs(candidate.length - name.length) > allowed) continue;
      const distance = editDistance(name, candidate);
      if (distance < bestDistance) {
        best = candidate;
        bestDistance = distance;
        ambiguous = false;
      } else if (distance === bestDistance) {
        ambiguous = true;
      }
    }
    return ambiguous ? undefined : best;
  }
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const substitution = previous[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        distance = Math.min(distance, before[j - 2]! + 1);
      }
      current.push(distance);
    }
    before = previous;
    previous = current;
  }
  return previous[to.length]!;
}
