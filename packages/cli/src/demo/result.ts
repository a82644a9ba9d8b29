import { guestOutage, lengthOf, type Timeline } from '@godwit/timeline';
import { type DeviceResult, deviceResults, milliseconds } from '../report/device-results.js';

/** What `godwit demo --json` prints. Sizes are bytes, times milliseconds; `atMs` counts from the start of the migration. */
export interface DemoResult {
  /** The status of the migration, as query-migrate names it. */
  readonly status: string;
  readonly totalMs: number;
  /** From STOP on the source to RESUME on the destination; null where there was no switchover. */
  readonly downtimeMs: number | null;
  readonly ram: { readonly bytes: number; readonly transferred: number; readonly dirtyRounds: number };
  readonly devices: readonly DeviceResult[];
  readonly verified: { readonly guest: boolean; readonly devices: boolean };
}

/** What is known when a demo ends. */
export interface DemoFacts {
  readonly status: string;
  readonly totalMs: number;
  readonly timeline: Timeline;
  readonly ram: DemoResult['ram'];
  readonly deviceBytes: ReadonlyMap<string, number>;
  readonly verified: DemoResult['verified'];
}

export function demoResult({ status, totalMs, timeline, ram, deviceBytes, verified }: DemoFacts): DemoResult {
  return {
    status,
    totalMs: milliseconds(totalMs),
    downtimeMs: milliseconds(lengthOf(guestOutage(timeline))),
    ram,
    devices: deviceResults(timeline, timeline.source.migration[0]?.at ?? 0, deviceBytes),
    verified,
  };
}

/** Whether everything holds that the demo promises. */
export function succeeded(result: DemoResult): boolean {
  return result.status === 'completed' && result.verified.guest && result.verified.devices;
}
