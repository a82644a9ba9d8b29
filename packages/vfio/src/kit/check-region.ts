import type { MigrationRegion } from '../v1/region.js';
import { checkRule, type Report, type RuleResult, summary } from './check-device.js';
import type { CheckOptions } from './rule.js';
import { REGION_RULES } from './rules/region.js';

/** The region of a fresh device in RUNNING, and how to be rid of that device. */
export interface RegionCandidate {
  readonly region: MigrationRegion;
  close(): void;
}

/**
 * Checks a kind of 2018 migration region, the driver's side, against every rule; a rule uses as many as it needs and closes them.
 * `options.preCopy` is false for a device that has nothing to give in MIGRATION_PRECOPY.
 */
export async function checkRegion(
  factory: () => RegionCandidate | Promise<RegionCandidate>,
  options: Pick<CheckOptions, 'limit'> & { readonly preCopy?: boolean } = {},
): Promise<Report> {
  const results: RuleResult[] = [];
  for (const rule of REGION_RULES) {
    const candidates: RegionCandidate[] = [];
    const region = async () => {
      const candidate = await factory();
      candidates.push(candidate);
      return candidate.region;
    };
    results.push(await checkRule(rule, { region, preCopy: options.preCopy ?? true }, options.limit));
    for (const candidate of candidates) candidate.close();
  }
  return summary(results);
}
