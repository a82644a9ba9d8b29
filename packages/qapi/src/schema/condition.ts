import type { Condition } from './model.js';

/** Decides a condition for a configuration: the set of symbols that are defined. */
export function holds(condition: Condition | undefined, config: ReadonlySet<string>): boolean {
  if (condition === undefined) return true;
  if (typeof condition === 'string') return config.has(condition);
  if ('all' in condition) return condition.all.every((part) => holds(part, config));
  if ('any' in condition) return condition.any.some((part) => holds(part, config));
  return !holds(condition.not, config);
}

/** The configuration symbols that a condition mentions. */
export function symbolsOf(condition: Condition | undefined): string[] {
  if (condition === undefined) return [];
  if (typeof condition === 'string') return [condition];
  if ('all' in condition) return condition.all.flatMap(symbolsOf);
  if ('any' in condition) return condition.any.flatMap(symbolsOf);
  return symbolsOf(condition.not);
}
