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
import { describe, Trial, tell } from './trial.js';

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

/** What a check found, rule by rule, in the order of {@link RULES}. */
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
  const attempts: Attempt[] = [];
  let limit = options.limit;
  for (const rule of RULES) {
    if (rule.applies?.(flags, options) === false) {
      attempts.push({ result: skipped(rule, rule.otherwise ?? 'not about this device') });
      continue;
    }
    const trial = new Trial(factory, flags, options);
    const attempt = await tryRule(rule, trial, limit, () => trial.pending);
    trial.close();
    attempts.push(attempt);
    // A device that hangs would be waited for in every rule.
    if (attempt.expired && limit !== undefined) limit = { ...limit, ms: options.limit!.ms / 10 };
  }
  return { flags, ...summary(attempts.map((attempt) => resultOf(attempt, attempts))) };
}

/** The results with their totals. */
export function summary(results: readonly RuleResult[]): Omit<Report, 'flags'> {
  const count = (outcome: RuleResult['outcome']) =>
    results.filter((result) => result.outcome === outcome).length;
  return { results, passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** How a rule went. */
interface Attempt {
  readonly result: RuleResult;
  /** What went wrong, without the call that it went wrong in. */
  readonly fault?: string;
  /** It went wrong before the rule itself began. */
  readonly unprepared?: boolean;
  readonly expired?: boolean;
}

/** A rule that could not begin, for a fault that another one found, is skipped: a device with one fault fails by one rule. */
function resultOf({ result, fault, unprepared }: Attempt, all: readonly Attempt[]): RuleResult {
  if (!unprepared) return result;
  const found = all.filter((attempt) => attempt.fault === fault);
  const { result: cause } = found.find((attempt) => !attempt.unprepared) ?? found[0]!;
  return cause === result ? result : skipped(result, `it cannot begin, for what fails in ${cause.id}`);
}

function skipped(
  { id, title, source }: Pick<RuleResult, 'id' | 'title' | 'source'>,
  message: string,
): RuleResult {
  return { id, title, source, outcome: 'skipped', message };
}

/** Checks one rule; never rejects. */
export async function checkRule<T>(
  rule: Rule<T>,
  trial: T,
  limit: CheckOptions['limit'],
): Promise<RuleResult> {
  return (await tryRule(rule, trial, limit)).result;
}

/** @param pending what the device was asked and has not answered */
async function tryRule<T>(
  rule: Rule<T>,
  trial: T,
  limit: CheckOptions['limit'],
  pending: () => string | undefined = () => undefined,
): Promise<Attempt> {
  const { id, title, source } = rule;
  try {
    await inTime(rule.check(trial), limit, pending);
    return { result: { id, title, source, outcome: 'passed' } };
  } catch (error) {
    if (error instanceof NoDevice) return { result: skipped(rule, error.message) };
    const unprepared = error instanceof Unprepared;
    return {
      result: { id, title, source, outcome: 'failed', message: tell(error) },
      fault: describe(unprepared ? (error.cause ?? error) : error),
      unprepared,
      expired: error instanceof Expired,
    };
  }
}

/** A device that does not answer. */
class Expired extends Violation {}

/** Fails a check that takes longer than the limit. */
async function inTime(
  check: Promise<void>,
  limit: CheckOptions['limit'],
  pending: () => string | undefined,
): Promise<void> {
  if (limit === undefined) return check;
  let timer: Timer | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = limit.clock.setTimer(() => {
      const call = pending();
      const what = call === undefined ? 'the rule takes' : `${call} does not return: the rule takes`;
      reject(new Expired(`${what} longer than ${limit.ms} ms`));
    }, limit.ms);
  });
  try {
    await Promise.race([check, expired]);
  } finally {
    timer?.cancel();
  }
}
