import type { Report } from './check-device.js';

const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: '-   ' } as const;

/** A report for people: a line for each rule, two more for one that failed, why one was skipped, and the totals. */
export function reportText(name: string, report: Report): string {
  const { flags } = report;
  const offered = ['STOP_COPY', ...(flags?.p2p ? ['P2P'] : []), ...(flags?.preCopy ? ['PRE_COPY'] : [])];
  const width = Math.max(...report.results.map((result) => result.id.length));
  const lines = report.results.flatMap((result) => {
    const line = `${MARKS[result.outcome]} ${result.id.padEnd(width)}  ${result.title}`;
    if (result.outcome === 'skipped' && result.message !== undefined) return [`${line} (${result.message})`];
    if (result.outcome !== 'failed') return [line];
    return [line, `     ${result.message}`, `     source: ${result.source}`];
  });
  const total = `${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`;
  return [flags === undefined ? `${name}: v1 region` : `${name}: ${offered.join('|')}`, ...lines, total].join(
    '\n',
  );
}
