import fc from 'fast-check';

/** Runs of pages: first page and how many, of which some may be none. */
export const anyRuns = fc.array(fc.tuple(fc.nat(15), fc.nat(3)), { maxLength: 6 });

/** Those of the runs that lie within the first `count` pages, as the addon takes them, and the number of their pages. */
export function fitting(
  runs: readonly (readonly [number, number])[],
  count: number,
): { runs: Uint32Array; pages: number } {
  const chosen = runs.filter(([first, length]) => first + length <= count);
  return {
    runs: Uint32Array.from(chosen.flat()),
    pages: chosen.reduce((sum, [, length]) => sum + length, 0),
  };
}
