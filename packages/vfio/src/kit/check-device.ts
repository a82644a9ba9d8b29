import type { Timer } from '@godwit/clock';
import type { MigratableDevice } from '../device.js';
import type { MigrationFlags } from '../flags.js';
import { type CheckOptions, NoDevice, type Rule, Unprepared, Violation } from './rule.js';
import { ARC_RULES } from './rules/arcs.js';
import { LOGGING_RULES } from './rules/logging.js';
import { PRECOPY_RULES } from './rules/precopy.js';
import { RESET_RULES } from './rules/reset.js';
import { RESUMING_RULES } from './rules/resuming.js';
import { STREAM_RULES } from './rules/streams.js';
import { describe, Trial } from './trial.js';

/** Every rule for a migratable device, in the order in which they are checked. */
export const RULES: readonly Rule[] = [
  ...ARC_RULES,
  ...STREAM_RULES,
  ...PRECOPY_RULES,
  ...RESUMING_RULES,
  ...LOGGING_RULES,
  ...RESET_RULES,
];

export interface RuleResult {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What the device did, where it failed; why, where the rule was skipped. */
  readonly message?: string;
}

export interface Report {
  /** What the device offers; absent in the report on a region. */
  readonly flags?: MigrationFlags;
  readonly results: readonly RuleResult[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Checks a kind of device against every rule. `factory` makes devices of that kind, all alike, each in RUNNING; a rule uses as many as
 * it needs, one after the other, and closes them. Rejects only where the factory does for the first of them; what a device does
 * wrong is in the report. A rule is skipped where the factory has no device for it ({@link NoDevice}).
 */
export async function checkDevice(
  factory: () => MigratableDevice | Promise<MigratableDevice>,
  options: CheckOptions = {},
): Promise<Report> {
  const sample = await factory();
  const flags = sample.flags;
  sample.close();
  const results: RuleResult[] = [];
  for (const rule of RULES) {
    if (rule.applies?.(flags, options) === false) {
      const { id, title, source, otherwise: message = 'not about this device' } = rule;
      results.push({ id, title, source, outcome: 'skipped', message });
      continue;
    }
    const trial = new Trial(factory, flags, options);
    results.push(await checkRule(rule, trial, options, results));
    trial.close();
  }
  return { flags, ...summary(results) };
}

/** The results with their totals. */
export function summary(results: readonly RuleResult[]): Omit<Report, 'flags'> {
  const count = (outcome: RuleResult['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  return { results, passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/**
 * Checks one rule; never rejects. It is skipped where it cannot even begin for what a rule before it has found already, so
 * that a device with one fault fails by one rule.
 */
export async function checkRule<T>(
  rule: Rule<T>,
  trial: T,
  options: CheckOptions,
  earlier: readonly RuleResult[] = [],
): Promise<RuleResult> {
  const { id, title, source } = rule;
  try {
    await inTime(rule.check(trial), options);
    return { id, title, source, outcome: 'passed' };
  } catch (error) {
    if (error instanceof NoDevice) return { id, title, source, outcome: 'skipped', message: error.message };
    const message = error instanceof Violation ? error.message : describe(error);
    const known = earlier.find((result) => result.outcome === 'failed' && result.message === message);
    if (error instanceof Unprepared && known !== undefined) {
      return {
        id,
        title,
        source,
        outcome: 'skipped',
        message: `it cannot begin, for what fails in ${known.id}`,
      };
    }
    return { id, title, source, outcome: 'failed', message };
  }
}

/** Fails a check that takes longer than the options allow. */
async function inTime(check: Promise<void>, { limit }: CheckOptions): Promise<void> {
  if (limit === undefined) return check;
  let timer: Timer | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = limit.clock.setTimer(
      () => reject(new Violation(`the device does not answer within ${limit.ms} ms`)),
      limit.ms,
    );
  });
  try {
    await Promise.race([check, expired]);
  } finally {
    timer?.cancel();
  }
}
