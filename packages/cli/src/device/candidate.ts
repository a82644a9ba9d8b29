import type { Report } from '@godwit/vfio';

/** What is checked, and how. */
export interface Candidate {
  readonly name: string;
  check(): Promise<readonly NamedReport[]>;
}

export interface NamedReport {
  readonly name: string;
  readonly report: Report;
  /** What a server lacks, beside what it does wrong. */
  readonly notOffered?: readonly string[];
}
